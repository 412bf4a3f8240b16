"""Swingbridge's own loopback world, driven by its command line as a person would."""
import json
import os
import subprocess

import psycopg2

import bench_support as support

GROUP = "shop"


class Swingbridge:
    name = "swingbridge"

    def __init__(self, directory, options):
        self.program = os.path.abspath(options.swing)
        self.directory = os.path.join(directory, "lab")
        self.status = None
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("SWING")}

    def start(self):
        self._swing("lab", "up", "--dir", self.directory, "--engines", "postgresql", timeout=300)
        self.status = json.loads(self._swing("lab", "status", "--dir", self.directory, "--json"))
        self.environment.update(SWING_URL=self.status["url"], SWING_TOKEN_FILE=self.status["tokenFile"],
                                SWING_CA=self.status["caFile"])
        with psycopg2.connect(self.conninfo() + " target_session_attrs=read-write") as session:
            with session.cursor() as cursor:
                cursor.execute("CREATE TABLE acknowledged(tag text NOT NULL, at timestamptz NOT NULL DEFAULT now())")
        session.close()

    def conninfo(self):
        return self._multi_host("dsn")

    def switch(self):
        run = json.loads(self._swing("group", "switch", GROUP, "--wait", "--json", timeout=120))
        return {"writeOutageMs": run.get("writeOutageMs"),
                "steps": [{key: step.get(key) for key in ("name", "state", "startedAt", "finishedAt")}
                          for step in run.get("steps", [])]}

    def observers(self):
        def opener(dsn):
            def open_session():
                session = psycopg2.connect(dsn, connect_timeout=3)
                session.autocommit = True
                return session
            return open_session
        return [(site["name"], opener(site["postgresql"]["adminDsn"])) for site in self.status["sites"]]

    def stop(self):
        if os.path.exists(os.path.join(self.directory, "lab.json")):
            self._swing("lab", "down", "--dir", self.directory)

    def _multi_host(self, key):
        """One conninfo with the hosts of both sites, from the conninfo of each."""
        parts = [psycopg2.extensions.parse_dsn(site["postgresql"][key]) for site in self.status["sites"]]
        merged = {**parts[0], "host": ",".join(part["host"] for part in parts),
                  "port": ",".join(part["port"] for part in parts)}
        return psycopg2.extensions.make_dsn(**merged)

    def _swing(self, *arguments, timeout=60):
        done = subprocess.run([self.program, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"swing {' '.join(arguments[:2])} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout
