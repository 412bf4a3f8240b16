"""The shop's orders in PostgreSQL."""

import psycopg2
from psycopg2 import errors

from shop_sql import CONNECT_SECONDS, STATEMENT_MS, SqlStore, is_readable


class PostgresqlStore(SqlStore):
    engine, table = "postgresql", "orders"
    Error = psycopg2.Error
    STATE = "SELECT to_regclass('orders') IS NOT NULL, pg_is_in_recovery()"
    SCHEMA = (
        "SELECT pg_advisory_xact_lock(7463111)",  # several programs may do this at once: one of them does it at a time
        """CREATE TABLE IF NOT EXISTS orders (
               id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
               tag text NOT NULL DEFAULT '',
               product text NOT NULL,
               quantity integer NOT NULL CHECK (quantity > 0),
               price_cents integer NOT NULL,
               customer text NOT NULL,
               site text NOT NULL,
               created_at timestamptz NOT NULL DEFAULT now(),
               shipped_at timestamptz)""",
        "CREATE INDEX IF NOT EXISTS orders_unshipped ON orders (id) WHERE shipped_at IS NULL",
        "CREATE INDEX IF NOT EXISTS orders_tag ON orders (tag)")

    def connect(self, access):
        return psycopg2.connect(
            host=access.host, port=access.port, dbname=access.database, user=access.user,
            password=access.password or None, connect_timeout=CONNECT_SECONDS, application_name=self.name,
            options=f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={STATEMENT_MS}",
            keepalives_idle=2, keepalives_interval=1, keepalives_count=2, tcp_user_timeout=3000)

    @staticmethod
    def is_dead(connection):
        return connection.closed != 0 or is_readable(connection.fileno())

    @staticmethod
    def is_missing_table(error):
        return isinstance(error, errors.UndefinedTable)
