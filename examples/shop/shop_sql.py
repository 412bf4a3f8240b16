"""What the stores in PostgreSQL and MariaDB share: a pool of connections, and SQL that both understand."""

import datetime
import select
import threading

from shop_stores import DatabaseTrouble, first_line

CONNECT_SECONDS = 2       # libpq takes nothing less
STATEMENT_MS = 3000       # a visitor waits no longer than this for a database
WAIT_FOR_CONNECTION_SECONDS = 2.0
COLUMNS = ("id", "tag", "product", "quantity", "customer", "site", "created_at", "shipped_at")


def is_readable(descriptor):
    """A server that closed an idle connection has made it readable: seen without a round trip."""
    waiting = select.poll()  # select() takes no descriptor above 1023
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


class Pool:
    """A few connections, each used by one thread at a time; dead ones and those to another place are dropped.

    Requests go on while the place changes: a connection belongs to the place it was opened to.
    """

    def __init__(self, library, access, size):
        self.library, self.access = library, access  # library: Error, connect(access), is_dead(connection)
        self._idle, self._lock, self._free = [], threading.Lock(), threading.Semaphore(size)

    def use(self, access):
        with self._lock:
            self.access = access
            old, self._idle = self._idle, []
        for _, connection in old:
            connection.close()

    def run(self, work):
        """work(cursor) and COMMIT, once. A connection that died in the pool is replaced, once, by a new one.

        Nothing is repeated once COMMIT was sent: its outcome would be unknown, and an order might be taken twice.
        """
        if not self._free.acquire(timeout=WAIT_FOR_CONNECTION_SECONDS):
            raise DatabaseTrouble("too many requests wait for the database")
        try:
            pooled = self._take()
            if pooled:
                try:
                    return self._once(pooled, work)
                except self.library.Error:
                    pass  # it was dead already, or died before COMMIT: nothing was written
            try:
                return self._once(self._open(), work)
            except self.library.Error as error:
                raise DatabaseTrouble(first_line(error)) from error
        finally:
            self._free.release()

    def _take(self):
        while True:
            with self._lock:
                if not self._idle:
                    return None
                access, connection = self._idle.pop()
            if access == self.access and not self.library.is_dead(connection):
                return access, connection
            self._close(connection)

    def _open(self):
        access = self.access
        return access, self.library.connect(access)

    def _once(self, pooled, work):
        access, connection = pooled
        try:
            with connection.cursor() as cursor:
                result = work(cursor)
        except self.library.Error as error:
            if self._reusable(connection):
                self._give_back(access, connection)
                raise DatabaseTrouble(first_line(error)) from error
            self._close(connection)
            raise  # the connection died, before COMMIT
        except BaseException:
            self._close(connection)
            raise
        try:
            connection.commit()
        except self.library.Error as error:
            # A server that still answers has said no; one that is gone may have committed.
            outcome = "not written" if self._reusable(connection) else "unknown"
            self._close(connection)
            raise DatabaseTrouble(first_line(error), outcome) from error
        self._give_back(access, connection)
        return result

    def _reusable(self, connection):
        try:
            connection.rollback()
            return not self.library.is_dead(connection)
        except self.library.Error:
            return False

    def _give_back(self, access, connection):
        with self._lock:
            if access == self.access:
                self._idle.append((access, connection))
                return
        self._close(connection)

    def _close(self, connection):
        try:
            connection.close()
        except self.library.Error:
            pass  # it was closed by its end


def when(moment):
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)).isoformat()


def order_of(row):
    order = dict(zip(("id", "tag", "product", "quantity", "customer", "site"), row))
    order["createdAt"], order["shippedAt"] = when(row[6]), when(row[7])
    return order


class SqlStore:
    """Of a database with the usual SQL. A class for one engine adds what is its own: `engine`, `table`, SCHEMA, STATE,
    Error, connect(), is_dead(), is_missing_table()."""

    def __init__(self, access, name, connections):
        self.name = name
        self.pool = Pool(self, access, connections)
        self.use = self.pool.use

    def prepare(self):
        def work(cursor):
            cursor.execute(self.STATE)
            exists, standby = cursor.fetchone()
            if not exists and not standby:  # at the standby site the tables come by replication
                for statement in self.SCHEMA:
                    cursor.execute(statement)
            return "read-only" if standby else "writable"

        return self.pool.run(work)

    def take(self, order, site):
        def work(cursor):
            cursor.execute(f"INSERT INTO {self.table} (tag, product, quantity, price_cents, customer, site) "
                           "VALUES (%s, %s, %s, %s, %s, %s) RETURNING id", (*order, site))
            return cursor.fetchone()[0]

        try:
            return self.pool.run(work)
        except DatabaseTrouble as trouble:
            if not self.is_missing_table(trouble.__cause__):
                raise
        self.prepare()  # a database that is quite new
        return self.pool.run(work)

    def after(self, number, limit):
        def work(cursor):
            cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {self.table} WHERE id > %s ORDER BY id LIMIT %s",
                           (number, limit))
            return [order_of(row) for row in cursor.fetchall()]

        return self.pool.run(work)

    def last(self, limit):
        def work(cursor):
            cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {self.table} ORDER BY id DESC LIMIT %s", (limit,))
            orders = [order_of(row) for row in cursor.fetchall()]
            cursor.execute(f"SELECT count(*) FROM {self.table}")
            return orders, cursor.fetchone()[0]

        return self.pool.run(work)

    def count(self):
        def work(cursor):
            cursor.execute("SELECT count(*), count(DISTINCT nullif(tag, '')), count(nullif(tag, '')) "
                           f"FROM {self.table}")
            total, different, tagged = cursor.fetchone()
            return {"orders": total, "tags": different, "doubled": tagged - different}

        return self.pool.run(work)

    def ship(self, limit):
        def work(cursor):
            cursor.execute(f"SELECT id FROM {self.table} WHERE shipped_at IS NULL ORDER BY id LIMIT %s", (limit,))
            numbers = [row[0] for row in cursor.fetchall()]
            if numbers:
                places = ", ".join(["%s"] * len(numbers))
                cursor.execute(f"UPDATE {self.table} SET shipped_at = now() WHERE id IN ({places})", numbers)
            return len(numbers)

        return self.pool.run(work)
