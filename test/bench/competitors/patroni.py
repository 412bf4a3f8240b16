"""Patroni with etcd, two members on loopback, default timers: `patronictl switchover --force`."""
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.request

import bench_support as support

SCOPE = "shop"
START_SECONDS = 90


class Patroni:
    name = "patroni"

    def __init__(self, directory, options):
        self.directory = directory
        self.processes = []
        ports = support.free_ports(6)
        self.etcd_ports = ports[:2]
        self.members = {name: {"port": port, "rest": rest, "data": os.path.join(directory, name)}
                        for name, port, rest in (("a", *ports[2:4]), ("b", *ports[4:6]))}
        self.leader = None

    def start(self):
        self._start_etcd()
        for name in self.members:
            self._write_config(name)
            self._spawn(name, ["patroni", self._config(name)])
            self._wait(f"member {name} to run", lambda: self._state(name) in ("primary", "replica"))
        self.leader = self._primary()
        support.create_application(self.members[self.leader]["port"])
        self._wait_for_replica()

    def targets(self):
        return [support.postgresql_target(support.app_conninfo([member["port"] for member in self.members.values()]))]

    def switch(self):
        candidate = next(name for name in self.members if name != self.leader)
        support.run(["patronictl", "-c", self._config(self.leader), "switchover", SCOPE, "--leader", self.leader,
                     "--candidate", candidate, "--force"], cwd=self.directory,
                    env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": self.directory})
        self._wait(f"{candidate} to be the primary", lambda: self._primary() == candidate)
        self.leader = candidate
        return {}

    def observers(self):
        return [(name, [support.PostgresqlObserver(lambda port=member["port"]: support.connect(port))])
                for name, member in self.members.items()]

    @staticmethod
    def full_copies():
        return 0

    def stop(self):
        # Members before etcd: a member that can still reach it stops its PostgreSQL in order.
        for process in reversed(self.processes):
            if process.poll() is None:
                support.end_process(process.pid, seconds=40)
        self.processes = []
        for name, member in self.members.items():
            support.Server(name, member["data"], member["port"]).stop()

    def _spawn(self, name, argv, **options):
        with open(os.path.join(self.directory, name + ".out"), "w") as log:
            process = subprocess.Popen(support.as_server_user(argv), stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, cwd=self.directory, start_new_session=True, **options)
        self.processes.append(process)

    def _start_etcd(self):
        client, peer = (f"http://127.0.0.1:{port}" for port in self.etcd_ports)
        self._spawn("etcd", ["etcd", "--name", "bench", "--data-dir", os.path.join(self.directory, "etcd"),
                             "--listen-client-urls", client, "--advertise-client-urls", client,
                             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                             "--initial-cluster", f"bench={peer}", "--logger", "zap"])
        self._wait("etcd to be healthy", lambda: self._get(self.etcd_ports[0], "/health") is not None)

    def _config(self, name):
        return os.path.join(self.directory, name + ".yaml")

    def _write_config(self, name):
        member = self.members[name]
        superuser = support.server_user()
        hba = [f"host {support.DATABASE} {support.APP_USER} 127.0.0.0/8 scram-sha-256",
               f"host replication {support.REPL_USER} 127.0.0.0/8 scram-sha-256",
               f"host all {superuser} 127.0.0.0/8 trust", f"local all {superuser} trust"]
        rest, listen = f"127.0.0.1:{member['rest']}", f"127.0.0.1:{member['port']}"
        config = {
            "scope": SCOPE, "name": name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": f"127.0.0.1:{self.etcd_ports[0]}"},
            # Timers are Patroni's defaults: they are not written here.
            "bootstrap": {"dcs": {"postgresql": {"use_pg_rewind": True, "use_slots": True}},
                          "initdb": ["data-checksums", {"locale": "C.UTF-8"}, {"auth": "trust"}]},
            "postgresql": {
                "listen": listen, "connect_address": listen, "data_dir": member["data"], "bin_dir": support.PG_BIN,
                "pgpass": os.path.join(self.directory, name + ".pgpass"), "pg_hba": hba,
                "authentication": {
                    "superuser": {"username": superuser, "password": "unused-trusted"},
                    "replication": {"username": support.REPL_USER, "password": support.REPL_PASSWORD}},
                "parameters": {"unix_socket_directories": self.directory, "lc_messages": "C"}}}
        with open(self._config(name), "w") as file:  # JSON is YAML
            json.dump(config, file, indent=2)
        os.chmod(self._config(name), 0o600)
        if os.getuid() == 0:
            shutil.chown(self._config(name), support.server_user(), support.server_user())

    @staticmethod
    def _get(port, path):
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=3) as reply:
                return json.load(reply)
        return None

    def _state(self, name):
        """"primary" or "replica" once the member's PostgreSQL runs."""
        status = self._get(self.members[name]["rest"], "/patroni")
        if not status or status.get("state") != "running":
            return None
        return {"master": "primary"}.get(status["role"], status["role"])

    def _primary(self):
        return next((name for name in self.members if self._state(name) == "primary"), None)

    def _wait_for_replica(self):
        follower = next(name for name in self.members if name != self.leader)
        self._wait(f"{follower} to stream",
                   lambda: support.streaming_from(self.members[self.leader]["port"], follower))

    def _wait(self, what, condition):
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {START_SECONDS} s for {what}")
            for process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args} ended while waiting for {what}")
            time.sleep(0.1)
