"""The shop's settings and its connections to PostgreSQL, for the web server and the worker.

Settings come from the environment. On SIGHUP they are read again from the file that SWINGBRIDGE_ENVIRONMENT_FILE names,
and requests go on meanwhile: a connection belongs to the settings it was opened with and is not used for others.
"""

import os
import select
import threading

import psycopg2
from psycopg2 import errors

CONNECT_SECONDS = 2       # libpq takes nothing less
STATEMENT_MS = 3000       # a visitor waits no longer than this for the database
WAIT_FOR_CONNECTION_SECONDS = 2.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag text NOT NULL DEFAULT '',
    product text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price_cents integer NOT NULL,
    customer text NOT NULL,
    site text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    shipped_at timestamptz
);
CREATE INDEX IF NOT EXISTS orders_unshipped ON orders (id) WHERE shipped_at IS NULL;
CREATE INDEX IF NOT EXISTS orders_tag ON orders (tag);
"""


class DatabaseTrouble(Exception):
    """Something a visitor may be told; `outcome` says whether the order may have been written all the same."""

    def __init__(self, message, outcome="not written"):
        super().__init__(message)
        self.outcome = outcome


def parse_environment_file(text):
    """KEY=value lines; values in double quotes may hold backslash escapes and line ends (systemd's EnvironmentFile)."""
    values, at = {}, 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        equals = text.find("=", at, end)
        if equals < 0 or text[at] in "#;":
            at = end + 1
            continue
        name, value, at = text[at:equals].strip(), [], equals + 1
        if text[at:at + 1] != '"':
            values[name], at = text[at:end].strip(), end + 1
            continue
        at += 1
        while at < len(text) and text[at] != '"':
            if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in '"\\$`':
                at += 1
            value.append(text[at])
            at += 1
        values[name] = "".join(value)
        following = text.find("\n", at)
        at = len(text) if following < 0 else following + 1
    return values


class Settings:
    def __init__(self, values):
        address = values.get("POSTGRESQL_ADDRESS", "127.0.0.1:5432")
        host, _, port = address.rpartition(":")
        self.host, self.port = host.strip("[]"), port
        self.database = values.get("POSTGRESQL_DATABASE", "shop")
        self.user = values.get("POSTGRESQL_USERNAME", "shop")
        self.password = values.get("POSTGRESQL_PASSWORD", "")
        self.failover_status = values.get("FAILOVER_STATUS", "none")
        self.site = values.get("SHOP_SITE", "") or values.get("SITE", "") or os.uname().nodename

    @property
    def target(self):
        return (self.host, self.port, self.database, self.user, self.password)

    def connect(self, name):
        return psycopg2.connect(
            host=self.host, port=self.port, dbname=self.database, user=self.user, password=self.password or None,
            connect_timeout=CONNECT_SECONDS, application_name=name,
            options=f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}",
            keepalives_idle=2, keepalives_interval=1, keepalives_count=2, tcp_user_timeout=3000)


def read_settings():
    values = dict(os.environ)
    path = values.get("SWINGBRIDGE_ENVIRONMENT_FILE")
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                values.update(parse_environment_file(file.read()))
        except OSError:
            pass  # what we were started with is still true
    return Settings(values)


def is_dead(connection):
    """A server that closed an idle connection has made it readable: seen without a round trip."""
    if connection.closed:
        return True
    waiting = select.poll()  # select() takes no descriptor above 1023
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


class Pool:
    """A few connections, each used by one thread at a time; dead ones and those of old settings are dropped."""

    def __init__(self, settings, name, size=16):
        self.settings, self.name = settings, name
        self._idle, self._lock, self._free = [], threading.Lock(), threading.Semaphore(size)

    def replace_settings(self, settings):
        with self._lock:
            self.settings = settings
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
                except psycopg2.Error:
                    pass  # it was dead already, or died before COMMIT: nothing was written
            try:
                return self._once(self._open(), work)
            except psycopg2.Error as error:
                raise DatabaseTrouble(first_line(error)) from error
        finally:
            self._free.release()

    def _take(self):
        while True:
            with self._lock:
                if not self._idle:
                    return None
                target, connection = self._idle.pop()
            if target == self.settings.target and not is_dead(connection):
                return target, connection
            connection.close()

    def _open(self):
        settings = self.settings
        return settings.target, settings.connect(self.name)

    def _once(self, pooled, work):
        target, connection = pooled
        try:
            with connection.cursor() as cursor:
                result = work(cursor)
        except psycopg2.Error as error:
            if self._reusable(connection):
                self._give_back(target, connection)
                raise DatabaseTrouble(first_line(error)) from error
            connection.close()
            raise  # the connection died, before COMMIT
        except BaseException:
            connection.close()
            raise
        try:
            connection.commit()
        except psycopg2.Error as error:
            # A server that answers says no; one that is gone may have committed.
            outcome = "unknown" if connection.closed else "not written"
            connection.close()
            raise DatabaseTrouble(first_line(error), outcome) from error
        self._give_back(target, connection)
        return result

    @staticmethod
    def _reusable(connection):
        try:
            connection.rollback()
            return not connection.closed
        except psycopg2.Error:
            return False

    def _give_back(self, target, connection):
        with self._lock:
            if target == self.settings.target:
                self._idle.append((target, connection))
                return
        connection.close()


def first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def create_schema(pool):
    """Answers "writable" or "read-only". At the standby site the tables come by replication."""

    def work(cursor):
        cursor.execute("SELECT to_regclass('orders') IS NOT NULL, pg_is_in_recovery()")
        exists, standby = cursor.fetchone()
        if not exists and not standby:
            # Several programs may do this at once: one of them does it at a time.
            cursor.execute("SELECT pg_advisory_xact_lock(7463111)")
            cursor.execute(SCHEMA)
        return "read-only" if standby else "writable"

    return pool.run(work)


__all__ = ["DatabaseTrouble", "Pool", "create_schema", "errors", "first_line", "read_settings"]
