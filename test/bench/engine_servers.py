"""What the benchmark needs of MariaDB and Redis: a pair of plain servers of each, observers, and targets for the client.

Nothing here measures.
"""
import contextlib
import os
import subprocess
import sys
import time

import pymysql
import redis

import bench_support as support

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from mariadb_server import MariadbServer, as_user, give_to

HOST = "127.0.0.1"


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


# ---- MariaDB

def mariadb_connect(host, port, user, password, schema):
    return pymysql.connect(host=host, port=port, user=user, password=password, database=schema, autocommit=True,
                           connect_timeout=3, read_timeout=3)


class MariadbObserver:
    """With an application's rights, which are enough: the server takes writes, and the newest transaction that the other one
    has applied was this one's."""

    def __init__(self, own, other):
        self.openers, self.sessions = (own, other), [None, None]

    def sees_streaming(self):
        try:
            read_only, server_id, _ = self._state(0)
            _, _, position = self._state(1)
            return not read_only and position.split("-")[1:2] == [str(server_id)]
        except pymysql.Error:
            self.close()
            return False

    def close(self):
        for session in filter(None, self.sessions):
            with contextlib.suppress(pymysql.Error):
                session.close()
        self.sessions = [None, None]

    def _state(self, which):
        if self.sessions[which] is None:
            self.sessions[which] = self.openers[which]()
        with self.sessions[which].cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.read_only, @@GLOBAL.server_id, @@GLOBAL.gtid_slave_pos")
            return cursor.fetchone()


def mariadb_target(places, user, password, schema):
    """places: host and port of each server."""
    def tags():
        for host, port in places:
            with contextlib.closing(mariadb_connect(host, port, user, password, schema)) as session:
                with session.cursor() as cursor:
                    cursor.execute("SELECT @@GLOBAL.read_only")
                    if cursor.fetchone()[0]:
                        continue
                    cursor.execute("SELECT tag FROM acknowledged")
                    return [row[0] for row in cursor.fetchall()]
        raise RuntimeError("no MariaDB takes writes")
    return {"engine": "mariadb", "arguments": ["--mariadb", ",".join(f"{host}:{port}" for host, port in places), "--user", user,
                                               "--database", schema],
            "environment": {"MYSQL_PWD": password}, "tags": tags}


MARIADB_TABLE = "CREATE TABLE acknowledged (id bigint AUTO_INCREMENT PRIMARY KEY, tag varchar(80) NOT NULL)"


class MariadbPair:
    """Primary `a` and replica `b` as an operator sets them up, as durable as Swingbridge makes them; roles swap later."""

    OPTIONS = ("gtid_strict_mode = ON", "sync_binlog = 1", "innodb_flush_log_at_trx_commit = 1", "slave_net_timeout = 10",
               "slave_parallel_threads = 4")

    def __init__(self, directory):
        ports = support.free_ports(2)
        self.servers = [MariadbServer(os.path.join(directory, name), support.server_user(), HOST, port, number)
                        for name, port, number in zip("ab", ports, (1, 2))]

    def start(self):
        primary, replica = self.servers
        for server in self.servers:
            server.make(support.DATABASE, support.APP_USER, support.APP_PASSWORD, self.OPTIONS)
            server.start()
            server.query("RESET MASTER")
        primary.query(f"CREATE USER {support.REPL_USER}@'%' IDENTIFIED BY '{support.REPL_PASSWORD}'; "
                      f"GRANT REPLICATION SLAVE ON *.* TO {support.REPL_USER}@'%'; USE {support.DATABASE}; {MARIADB_TABLE}")
        replica.query(f"CHANGE MASTER TO MASTER_HOST='{HOST}', MASTER_PORT={primary.port}, MASTER_USER='{support.REPL_USER}', "
                      f"MASTER_PASSWORD='{support.REPL_PASSWORD}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1; "
                      "SET GLOBAL read_only = 1; START SLAVE")
        wait_for("the replica applies", lambda: replica.query("SELECT @@gtid_slave_pos") == primary.query("SELECT @@gtid_binlog_pos"))

    def targets(self):
        return [mariadb_target([(HOST, server.port) for server in self.servers], support.APP_USER, support.APP_PASSWORD,
                               support.DATABASE)]

    def observers(self):
        def opener(server):
            return lambda: mariadb_connect(HOST, server.port, support.APP_USER, support.APP_PASSWORD, support.DATABASE)
        a, b = self.servers
        return [("a", [MariadbObserver(opener(a), opener(b))]), ("b", [MariadbObserver(opener(b), opener(a))])]

    def stop(self):
        for server in self.servers:
            server.stop()


# ---- Redis

class RedisObserver:
    def __init__(self, opener):
        self.opener, self.session = opener, None

    def info(self):
        if self.session is None:
            self.session = self.opener()
        return self.session.info()

    def sees_streaming(self):
        try:
            info = self.info()
            return info["role"] == "master" and any(info[key]["state"] == "online" for key in info
                                                    if key.startswith("slave") and key[5:].isdigit())
        except redis.RedisError:
            self.close()
            return False

    def close(self):
        if self.session is not None:
            self.session.close()
            self.session = None


def redis_target(places, password, user=None):
    def tags():
        for host, port in places:
            with contextlib.closing(redis.Redis(host=host, port=port, username=user, password=password, socket_timeout=10,
                                                decode_responses=True)) as session:
                try:
                    session.delete("nothing")  # an application's user may not ask for a role
                except redis.ReadOnlyError:
                    continue
                return [tag for tag, times in session.hgetall("acknowledged").items() for _ in range(int(times))]
        raise RuntimeError("no Redis takes writes")
    return {"engine": "redis", "arguments": ["--redis", ",".join(f"{host}:{port}" for host, port in places),
                                             *(["--redis-user", user] if user else [])],
            "environment": {"REDISCLI_AUTH": password}, "tags": tags}


class RedisPair:
    """Primary `a` and replica `b`, with an append-only file as in the lab."""

    def __init__(self, directory):
        self.directory = directory
        self.ports, self.processes = support.free_ports(2), []

    def start(self):
        for name, port in zip("ab", self.ports):
            data = os.path.join(self.directory, name)
            os.makedirs(data)
            with open(data + "/redis.conf", "w") as file:
                file.write(f"bind {HOST}\nport {port}\ndir {data}\nappendonly yes\nappendfsync everysec\nsave 3600 1\n"
                           f"requirepass {support.APP_PASSWORD}\nmasterauth {support.APP_PASSWORD}\n"
                           f"replica-announce-ip {HOST}\nrepl-backlog-size 64mb\n")
            give_to(support.server_user(), data)
            with open(data + "/log", "w") as log:
                self.processes.append(subprocess.Popen(as_user(support.server_user(), ["redis-server", data + "/redis.conf"]),
                                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        for port in self.ports:
            wait_for("Redis answers", lambda port=port: self._answers(port))
        with contextlib.closing(self.session(1)) as replica:
            replica.replicaof(HOST, self.ports[0])
        observer = RedisObserver(lambda: self.session(0))
        wait_for("the replica follows", observer.sees_streaming)
        observer.close()

    def session(self, which):
        return redis.Redis(host=HOST, port=self.ports[which], password=support.APP_PASSWORD, socket_timeout=3)

    def targets(self):
        return [redis_target([(HOST, port) for port in self.ports], support.APP_PASSWORD)]

    def observers(self):
        return [(name, [RedisObserver(lambda which=which: self.session(which))]) for which, name in enumerate("ab")]

    def full_copies(self):
        return sum(self.session(which).info("stats")["sync_full"] for which in range(2))

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                support.end_process(process.pid)

    def _answers(self, port):
        try:
            return redis.Redis(host=HOST, port=port, password=support.APP_PASSWORD).ping()
        except redis.RedisError:
            return False
