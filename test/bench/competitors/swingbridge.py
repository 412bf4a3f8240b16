"""Swingbridge's own loopback world, driven by its command line as a person would; with one engine, or all three."""
import contextlib
import json
import os
import subprocess

import psycopg2
import redis

import bench_support as support
from engine_servers import MARIADB_TABLE, MariadbObserver, RedisObserver, mariadb_connect, mariadb_target, redis_target

GROUP = "shop"


class Swingbridge:
    name, engines = "swingbridge", ("postgresql",)

    def __init__(self, directory, options):
        self.program = os.path.abspath(options.swing)
        self.directory = os.path.join(directory, "lab")
        self.status = None
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("SWING")}

    def start(self):
        self._swing("lab", "up", "--dir", self.directory, "--engines", ",".join(self.engines), timeout=300)
        self.status = json.loads(self._swing("lab", "status", "--dir", self.directory, "--json"))
        self.environment.update(SWING_URL=self.status["url"], SWING_TOKEN_FILE=self.status["tokenFile"],
                                SWING_CA=self.status["caFile"])
        if "postgresql" in self.engines:
            with psycopg2.connect(self._conninfo() + " target_session_attrs=read-write") as session:
                with session.cursor() as cursor:
                    cursor.execute("CREATE TABLE acknowledged(tag text NOT NULL, at timestamptz NOT NULL DEFAULT now())")
            session.close()
        if "mariadb" in self.engines:
            with contextlib.closing(self._mariadb(self.status["sites"][0])) as session, session.cursor() as cursor:
                cursor.execute(MARIADB_TABLE)

    def targets(self):
        makers = {"postgresql": lambda: support.postgresql_target(self._conninfo()),
                  "mariadb": lambda: mariadb_target(self._places("mariadb"), self._part("mariadb", "user"),
                                                    self._part("mariadb", "password"), self._part("mariadb", "schema")),
                  "redis": lambda: redis_target(self._places("redis"), self._part("redis", "password"),
                                                self._part("redis", "user"))}
        return [makers[engine]() for engine in self.engines]

    def switch(self):
        run = json.loads(self._swing("group", "switch", GROUP, "--wait", "--json", timeout=120))
        return {"writeOutageMs": run.get("writeOutageMs"),
                "steps": [{key: step.get(key) for key in ("name", "state", "startedAt", "finishedAt")}
                          for step in run.get("steps", [])]}

    def observers(self):
        makers = {"postgresql": self._postgresql_observer, "mariadb": self._mariadb_observer, "redis": self._redis_observer}
        own, other = self.status["sites"]
        return [(site["name"], [makers[engine](site, peer) for engine in self.engines])
                for site, peer in ((own, other), (other, own))]

    def full_copies(self):
        if "redis" not in self.engines:
            return 0
        observers = [self._redis_observer(site, None) for site in self.status["sites"]]
        copies = sum(observer.info()["sync_full"] for observer in observers)
        for observer in observers:
            observer.close()
        return copies

    def stop(self):
        if os.path.exists(os.path.join(self.directory, "lab.json")):
            self._swing("lab", "down", "--dir", self.directory)

    def _part(self, engine, key):
        return self.status["sites"][0][engine][key]

    def _places(self, engine):
        return [(site[engine]["address"], site[engine]["port"]) for site in self.status["sites"]]

    def _conninfo(self):
        """One conninfo with the hosts of both sites, from the conninfo of each."""
        parts = [psycopg2.extensions.parse_dsn(site["postgresql"]["dsn"]) for site in self.status["sites"]]
        return psycopg2.extensions.make_dsn(**{**parts[0], "host": ",".join(part["host"] for part in parts),
                                               "port": ",".join(part["port"] for part in parts)})

    @staticmethod
    def _postgresql_observer(site, _):
        def open_session():
            session = psycopg2.connect(site["postgresql"]["adminDsn"], connect_timeout=3)
            session.autocommit = True
            return session
        return support.PostgresqlObserver(open_session)

    @staticmethod
    def _mariadb(site):
        place = site["mariadb"]
        return mariadb_connect(place["address"], place["port"], place["user"], place["password"], place["schema"])

    def _mariadb_observer(self, site, peer):
        return MariadbObserver(lambda: self._mariadb(site), lambda: self._mariadb(peer))

    @staticmethod
    def _redis_observer(site, _):
        place = site["redis"]
        with open(os.path.join(os.path.dirname(place["data"]), "admin.password"), encoding="utf-8") as file:
            password = file.read().strip()
        return RedisObserver(lambda: redis.Redis(unix_socket_path=place["socket"], password=password, socket_timeout=3))

    def _swing(self, *arguments, timeout=60):
        done = subprocess.run([self.program, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"swing {' '.join(arguments[:2])} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


class SwingbridgeMariadb(Swingbridge):
    name, engines = "swingbridge-mariadb", ("mariadb",)


class SwingbridgeRedis(Swingbridge):
    name, engines = "swingbridge-redis", ("redis",)


class SwingbridgeAll(Swingbridge):
    name, engines = "swingbridge-all", ("postgresql", "mariadb", "redis")
