"""Where the shop keeps its orders: in every database that its environment names, each with a store of its own.

A store has:   engine                  "postgresql"
               prepare()               makes what is missing; "writable" or "read-only" (at the standby site)
               take(order, site)       writes the order, once; its number in this store
               after(number, limit)    orders behind that number, oldest first
               last(limit)             the newest orders, and how many there are
               count()                 orders, different tags, tags that are there more than once
               ship(limit)             ships the oldest that wait; how many
               use(access)             from now on this is the database
Each raises DatabaseTrouble, and answers within seconds whatever its database does.
"""


class DatabaseTrouble(Exception):
    """Something a visitor may be told; `outcome` says whether the order may have been written all the same."""

    def __init__(self, message, outcome="not written"):
        super().__init__(message)
        self.outcome = outcome


def first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def open_stores(settings, name, connections=16):
    """Of the databases that there are, in their order. Only their libraries have to be installed."""
    return [store_class(engine)(access, name, connections) for engine, access in settings.databases.items()]


def store_class(engine):
    if engine == "postgresql":
        from shop_postgresql import PostgresqlStore
        return PostgresqlStore
    if engine == "mariadb":
        from shop_mariadb import MariadbStore
        return MariadbStore
    from shop_redis import RedisStore
    return RedisStore


def take_everywhere(stores, order, site):
    """One after the other; the number in each. What is written in some only is not acknowledged, and not taken back."""
    numbers = {}
    for store in stores:
        try:
            numbers[store.engine] = store.take(order, site)
        except DatabaseTrouble as trouble:
            if not numbers:
                raise
            raise DatabaseTrouble(str(trouble), "written in part: " + ", ".join(numbers)) from trouble
    return numbers
