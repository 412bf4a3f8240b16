"""A two-site world whose every process belongs to the test: controller and agents can be started with fault points,
killed and started again at will. For tests of failures; `swing lab` is the world for everything else.

    with Stage() as stage:
        stage.build()
        run = stage.switch()
        stage.assert_legal()
"""
import http.client
import json
import os
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import psycopg2

POSTGRES_BIN = "/usr/lib/postgresql/15/bin"
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SITES = ("fra", "nyc")


def as_user(argv):
    """PostgreSQL refuses root: everything then runs as the user postgres."""
    if os.geteuid() != 0:
        return argv
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *argv]


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def wait_for(what, seconds, condition, pause=0.02):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)


class ApiError(Exception):
    def __init__(self, status, error):
        super().__init__(f"{status} {error}")
        self.status, self.code, self.error = status, error.get("code"), error


class Stage:
    def __init__(self, bin_directory=None):
        # ctest names the build's programs in SWB_BIN; by hand they are the first argument.
        self.bin = os.environ.get("SWB_BIN") or bin_directory or sys.argv[1]
        self.directory = tempfile.mkdtemp(prefix="swb-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        number = random.Random(self.directory)
        self.net = f"127.{number.randrange(64, 128)}.{number.randrange(1, 255)}"
        self.address = {"fra": f"{self.net}.10", "nyc": f"{self.net}.20"}
        self.api_port = free_port(f"{self.net}.1")
        self.dns_port = free_port(f"{self.net}.1")
        self.processes = {}
        self.environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.directory, "LANG": "C.UTF-8"}
        self.last_starts = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.print_logs()
        self.close()

    # ---- processes

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def run_as_user(self, *argv, text=None):
        done = subprocess.run(as_user(list(argv)), input=text, capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            raise AssertionError(f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, name, fault=None, await_ready=True):
        """swingd, or the agent of a site ("fra"). fault: a fault point at which it kills itself, once."""
        environment = dict(self.environment)
        if fault:
            once = self.path("fault-" + fault)
            if os.path.exists(once):
                os.remove(once)
            environment.update(SWINGBRIDGE_FAULT=fault, SWINGBRIDGE_FAULT_ONCE=once)
        if name == "swingd":
            ready = self.path("ready")
            if os.path.exists(ready):
                os.remove(ready)
            argv = [f"{self.bin}/swingd", "run", "--data", self.path("c"), "--ready-file", ready]
        else:
            argv = [f"{self.bin}/swing-agent", "run", "--data", self.path("a-" + name)]
        with open(self.path(name + ".log"), "a") as log:
            self.processes[name] = subprocess.Popen(as_user(argv), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                    env=environment, start_new_session=True)
        if name == "swingd" and await_ready:
            wait_for("swingd is ready", 20, lambda: os.path.exists(self.path("ready")) or not self.alive("swingd"))

    def alive(self, name):
        return name in self.processes and self.processes[name].poll() is None

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name, None)
        if process:
            process.send_signal(how)
            process.wait(timeout=30)

    def restart(self, name, fault=None, how=signal.SIGTERM):
        self.stop(name, how)
        self.start(name, fault)

    def restart_dead(self):
        """What a service manager does. Answers the names of those that had died."""
        dead = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in dead:
            self.start(name)
        return dead

    def print_logs(self):
        for name in ("swingd", "fra", "nyc"):
            path = self.path(name + ".log")
            if os.path.exists(path):
                print(f"==== {name}\n" + "".join(open(path, errors="replace").readlines()[-60:]))

    def close(self):
        for name in list(self.processes):
            try:
                self.stop(name, signal.SIGKILL)
            except subprocess.TimeoutExpired:
                pass
        # Databases, web fronts and application processes outlive their agent: each belongs to this directory or net.
        for sign in (signal.SIGINT, signal.SIGKILL):
            mine = self.remaining()
            for pid in mine:
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            try:
                wait_for("everything ended", 5, lambda: not self.remaining(), 0.05)
                break
            except AssertionError:
                continue
        shutil.rmtree(self.directory, ignore_errors=True)

    def remaining(self):
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                # A worker's command says nothing of where it belongs, its environment does.
                line = "".join(open(f"/proc/{entry}/{file}", "rb").read().decode(errors="replace")
                               for file in ("cmdline", "environ"))
                cwd = os.readlink(f"/proc/{entry}/cwd")
            except OSError:
                continue
            if self.directory in line or f"{self.net}." in line or cwd.startswith(self.directory):
                found.append(int(entry))
        return found

    # ---- API

    def api(self, method, path, body=None):
        context = ssl.create_default_context(cafile=self.path("c", "ca.pem"))
        connection = http.client.HTTPSConnection(f"{self.net}.1", self.api_port, context=context, timeout=30)
        token = open(self.path("c", "admin.token")).read().strip()
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status >= 400:
            raise ApiError(answer.status, value["error"])
        return value

    def wait_run(self, run, seconds=60, restarting=True):
        """Until the run has ended; dead programs are started again meanwhile."""

        def ended():
            if restarting:
                self.restart_dead()
            try:
                found = self.api("GET", "/v1/runs/" + run["id"])["run"]
            except (OSError, http.client.HTTPException):
                return None
            return found if found["state"] in ("done", "failed", "aborted") else None

        try:
            return wait_for(f"run {run['id']} ends", seconds, ended)
        except AssertionError:
            found = self.api("GET", "/v1/runs/" + run["id"])["run"]
            raise AssertionError(f"run {run['id']} hangs: {describe(found)}") from None

    def done(self, answer):
        run = self.wait_run(answer["run"])
        assert run["state"] == "done", describe(run)
        return run

    # ---- the world

    def build(self, budget_ms=10_000, configure=None):
        """configure(text): makes another swingd.yaml of the one that init wrote."""
        self.run_as_user(f"{self.bin}/swingd", "init", "--data", self.path("c"), "--zone", "stage.test",
                         "--name", f"{self.net}.1", "--listen", f"{self.net}.1:{self.api_port}",
                         "--dns-listen", f"{self.net}.1:{self.dns_port}")
        if configure:
            with open(self.path("c", "swingd.yaml"), "r+") as config:
                text = configure(config.read())
                config.seek(0)
                config.truncate()
                config.write(text)
        self.start("swingd")
        for site in SITES:
            self.add_site(site)
        for site in SITES:
            self.done(self.api("PUT", "/v1/applications", self.definition(site)))
            self.done(self.api("PUT", f"/v1/applications/shop-{site}/secrets/POSTGRESQL_PASSWORD", {"value": "shop-word"}))
        self.done(self.api("POST", "/v1/replication",
                           {"from": "shop-fra", "to": "shop-nyc", "consent": ["replace:shop-nyc/main"]}))
        group = self.api("POST", "/v1/groups", {"name": "shop", "primary": "shop-fra", "secondary": "shop-nyc",
                                                "label": "shop", "ttl": 2, "outageBudgetMs": budget_ms})
        for entry in group["runs"]:
            self.wait_run({"id": entry["run"]})
        self.sql(self.current(), "CREATE TABLE writes (tag text)")
        self.await_ready()

    def add_site(self, site):
        self.api("POST", "/v1/sites", {"name": site})
        token = self.api("POST", "/v1/servers/token", {"server": site + "-1", "site": site})
        self.run_as_user(f"{self.bin}/swing-agent", "join", "--controller", f"https://{self.net}.1:{self.api_port}",
                         "--token", "-", "--ca-pin", token["authorityFingerprint"], "--data", self.path("a-" + site),
                         text=token["token"])
        self.start(site)
        data, sockets = self.path("pg-" + site), self.path("s-" + site)
        self.run_as_user(f"{POSTGRES_BIN}/initdb", "-D", data, "-U", "postgres", "-k", "--auth-local=trust",
                         "--auth-host=scram-sha-256", "--no-sync")
        self.run_as_user("mkdir", sockets)
        with open(data + "/postgresql.conf", "a") as config:
            config.write(f"listen_addresses = '{self.address[site]}'\nport = 5432\nshared_buffers = 16MB\n"
                         f"unix_socket_directories = '{sockets}'\nmax_connections = 50\n"
                         "max_prepared_transactions = 5\n")
        with open(data + "/pg_hba.conf", "a") as rules:
            rules.write("host all all 127.0.0.0/8 scram-sha-256\n")
        self.run_as_user(f"{POSTGRES_BIN}/pg_ctl", "-D", data, "-w", "-l", self.path(f"pg-{site}.log"), "start")
        self.sql(site, "CREATE ROLE shop LOGIN PASSWORD 'shop-word'", "CREATE DATABASE shop OWNER shop", database="postgres")
        wait_for("the agent is connected", 10,
                 lambda: any(s["name"] == site + "-1" and s["connected"] for s in self.api("GET", "/v1/servers")["servers"]))

    def definition(self, site):
        address, server = self.address[site], site + "-1"
        shop = os.path.join(REPOSITORY, "examples", "shop")
        return {
            "application": "shop-" + site, "site": site,
            "processes": {
                "web": {"server": server, "command": ["/usr/bin/python3", shop + "/shop.py", "--listen", address + ":3000"],
                        "health": f"http://{address}:3000/healthz", "on_change": "reload"},
                "worker": {"server": server, "command": ["/usr/bin/python3", shop + "/shop_worker.py"], "writes": True,
                           "environment": {"STAGE": self.net + "."}}},
            "web": [{"server": server, "front": "nginx", "address": address, "listen": [address + ":8080"],
                     "upstream": address + ":3000",
                     "service": {"manage": "direct", "config": self.path("nginx-" + site, "nginx.conf")}}],
            "databases": {
                "main": {"engine": "postgresql", "server": server, "address": address + ":5432", "database": "shop",
                         "user": "shop", "service": {"manage": "direct", "data": self.path("pg-" + site),
                                                     "bin": POSTGRES_BIN, "socket": self.path("s-" + site)}}}}

    # ---- looking and acting

    def sql(self, site, *statements, database="shop"):
        connection = psycopg2.connect(host=self.path("s-" + site), port=5432, user="postgres", dbname=database,
                                      connect_timeout=5)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def role(self, site):
        """primary, replica, or down."""
        try:
            return "replica" if self.sql(site, "SELECT pg_is_in_recovery()")[0][0] else "primary"
        except psycopg2.Error:
            return "down"

    def group(self):
        return self.api("GET", "/v1/groups/shop")["group"]

    def current(self):
        return self.group()["current"].removeprefix("shop-")

    def other(self, site):
        return SITES[1 - SITES.index(site)]

    def switch(self, **body):
        return self.api("POST", "/v1/groups/shop/switch", body)["run"]

    def check(self):
        return self.api("POST", "/v1/groups/shop/check", {})["ready"]

    def refusals(self):
        return {check["name"]: check["sentence"] for check in self.check()["checks"] if check["verdict"] == "refused"}

    def await_ready(self, seconds=30):
        def ready():
            self.restart_dead()
            self.last_refusals = self.refusals()
            return not self.last_refusals

        try:
            wait_for("the group is ready", seconds, ready, 0.1)
        except AssertionError:
            raise AssertionError(f"the group does not get ready: {self.last_refusals}") from None

    def front(self, site):
        """HTTP status and whether it is the maintenance answer."""
        connection = http.client.HTTPConnection(self.address[site], 8080, timeout=5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("Swingbridge-Maintenance")
        finally:
            connection.close()

    def resolve(self):
        out = subprocess.run(["dig", "+short", "+tries=3", "+time=2", "@" + self.net + ".1", "-p", str(self.dns_port),
                              "shop.stage.test", "A"], capture_output=True, text=True)
        return out.stdout.split()

    def assert_legal(self):
        """I1, I4, I10 after a run has ended, with no human step: one writable site, and it is the current one."""
        group = self.group()
        current = group["current"].removeprefix("shop-")
        other = self.other(current)
        assert group["busy"] == "", group
        wait_for(f"{current} is the primary", 10, lambda: self.role(current) == "primary")
        wait_for(f"{other} is a replica", 20, lambda: self.restart_dead() or self.role(other) == "replica")
        wait_for("the current front serves", 10, lambda: self.front(current) == (200, None))
        wait_for("the standby shows its page", 10, lambda: self.front(other) == (503, "page"))
        assert self.resolve() == [self.address[current]], (self.resolve(), current)
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        wait_for("the standby streams", 20, lambda: self.sql(current, streaming)[0][0] == 1)


def describe(run):
    lines = [f"run {run['id']} {run['kind']} is {run['state']}: {run['detail']}"]
    for step in run["steps"]:
        lines.append(f"  {step['name']:22} {step['state']:8} {step['attempts']} {step['detail']}")
    return "\n".join(lines)
