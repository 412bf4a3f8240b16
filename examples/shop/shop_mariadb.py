"""The shop's orders in MariaDB: an invoice for each."""

import pymysql

from shop_sql import CONNECT_SECONDS, STATEMENT_MS, SqlStore, is_readable

NO_SUCH_TABLE = 1146
# Times are UTC; no statement and no wait for a lock lasts longer than a visitor's patience.
SESSION = (f"SET SESSION time_zone = '+00:00', max_statement_time = {STATEMENT_MS // 1000}, "
           f"lock_wait_timeout = {STATEMENT_MS // 1000}, innodb_lock_wait_timeout = {STATEMENT_MS // 1000}")


class MariadbStore(SqlStore):
    engine, table = "mariadb", "invoices"
    Error = pymysql.Error
    STATE = ("SELECT EXISTS (SELECT 1 FROM information_schema.tables "
             "WHERE table_schema = database() AND table_name = 'invoices'), @@GLOBAL.read_only")
    SCHEMA = (
        """CREATE TABLE IF NOT EXISTS invoices (
               id bigint AUTO_INCREMENT PRIMARY KEY,
               tag varchar(200) NOT NULL DEFAULT '',
               product varchar(100) NOT NULL,
               quantity integer NOT NULL CHECK (quantity > 0),
               price_cents integer NOT NULL,
               customer varchar(100) NOT NULL,
               site varchar(100) NOT NULL,
               created_at datetime(6) NOT NULL DEFAULT now(6),
               shipped_at datetime(6),
               INDEX invoices_unshipped (shipped_at, id),
               INDEX invoices_tag (tag)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin""",)

    def connect(self, access):
        return pymysql.connect(
            host=access.host, port=access.port, database=access.database, user=access.user, password=access.password,
            charset="utf8mb4", connect_timeout=CONNECT_SECONDS, read_timeout=2 * STATEMENT_MS // 1000,
            write_timeout=STATEMENT_MS // 1000, program_name=self.name, init_command=SESSION)

    @staticmethod
    def is_dead(connection):
        return not connection.open or is_readable(connection._sock.fileno())  # the library has no word for it

    @staticmethod
    def is_missing_table(error):
        return isinstance(error, pymysql.Error) and error.args[:1] == (NO_SUCH_TABLE,)
