"""A primary whose zone can be changed, and real name servers as its secondaries, each with a TSIG key, on 127.0.0.1.

Everything unprivileged where possible, in one directory each, ended by process ids.
"""
import base64
import contextlib
import json
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from dns_peers import HOST, USER, Absent, end, free_port, program, unprivileged, work_directory, write
from dns_wire import A, Response, ask_udp, query

KEY = "xfer.example"
ALGORITHM = "hmac-sha256"


def new_secret():
    return base64.b64encode(os.urandom(32)).decode()


class Settings:
    """What a secondary needs to know. catalog: when set, the zone is learnt from it where the server can do that."""

    def __init__(self, origin, primary_port, secret, catalog=None, primary_host=HOST):
        self.origin, self.primary_port, self.secret, self.catalog = origin, primary_port, secret, catalog
        self.primary_host = primary_host


def knot(settings, directory, port):
    zone = (f"""template:
  - id: member
    storage: {directory}
    master: primary
    acl: notify
zone:
  - domain: {settings.catalog}
    storage: {directory}
    master: primary
    acl: notify
    catalog-role: interpret
    catalog-template: member
""" if settings.catalog else f"""zone:
  - domain: {settings.origin}
    storage: {directory}
    master: primary
    acl: notify
""")
    write(f"{directory}/knot.conf", f"""server:
  rundir: {directory}
  listen: {HOST}@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: {directory}/db
key:
  - id: {KEY}
    algorithm: {ALGORITHM}
    secret: {settings.secret}
remote:
  - id: primary
    address: {settings.primary_host}@{settings.primary_port}
    key: {KEY}
acl:
  - id: notify
    address: {settings.primary_host}
    key: {KEY}
    action: notify
{zone}""")
    os.makedirs(f"{directory}/db", exist_ok=True)
    return [program("knotd"), "-c", f"{directory}/knot.conf"]


def nsd(settings, directory, port):
    write(f"{directory}/nsd.conf", f"""server:
  ip-address: {HOST}@{port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  rrl-ratelimit: 0
  xfrd-reload-timeout: 0
  verbosity: 2
remote-control:
  control-enable: no
key:
  name: "{KEY}"
  algorithm: {ALGORITHM}
  secret: "{settings.secret}"
zone:
  name: "{settings.origin}"
  zonefile: "{directory}/zone.db"
  allow-notify: {settings.primary_host} {KEY}
  request-xfr: {settings.primary_host}@{settings.primary_port} {KEY}
""")
    return [program("nsd"), "-d", "-c", f"{directory}/nsd.conf"]


def bind(settings, directory, port):
    primaries = f'{settings.primary_host} port {settings.primary_port} key "{KEY}"'
    catalog = (f'catalog-zones {{ zone "{settings.catalog}" default-primaries {{ {primaries}; }} '
               f'zone-directory "{directory}" min-update-interval 0; }};' if settings.catalog else "")
    zone = settings.catalog or settings.origin
    write(f"{directory}/named.conf", f"""options {{
  directory "{directory}";
  listen-on port {port} {{ {HOST}; }};
  listen-on-v6 {{ none; }};
  pid-file "{directory}/named.pid";
  session-keyfile "{directory}/session.key";
  managed-keys-directory "{directory}";
  recursion no;
  dnssec-validation no;
  notify no;
  allow-transfer {{ none; }};
  allow-notify {{ key "{KEY}"; }};
  {catalog}
}};
controls {{ }};
key "{KEY}" {{ algorithm {ALGORITHM}; secret "{settings.secret}"; }};
zone "{zone}" {{
  type secondary;
  file "{directory}/zone.db";
  primaries {{ {primaries}; }};
}};
""")
    return [program("named"), "-g", "-c", f"{directory}/named.conf", "-n", "1"]


def powerdns(settings, directory, port):
    schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
    if not os.path.exists(schema):
        raise Absent("pdns-backend-sqlite3 is not installed: scripts/dependencies installs it")
    with open(schema) as file, contextlib.closing(sqlite3.connect(f"{directory}/pdns.db")) as database:
        database.executescript(file.read())
        database.execute("INSERT INTO domains (name, master, type) VALUES (?, ?, 'SLAVE')",
                         (settings.origin, f"{settings.primary_host}:{settings.primary_port}"))
        database.execute("INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?, ?, ?)",
                         (KEY, ALGORITHM, settings.secret))
        # Whole zones, its default: after an IXFR version 4.7.3 answers nothing of what changed ("run rectify-zone").
        database.execute("INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'AXFR-MASTER-TSIG', ?)",
                         (KEY,))
        database.commit()
    write(f"{directory}/pdns.conf", f"""launch=gsqlite3
gsqlite3-database={directory}/pdns.db
gsqlite3-dnssec=yes
local-address={HOST}
local-port={port}
socket-dir={directory}
secondary=yes
xfr-cycle-interval=1
allow-notify-from={settings.primary_host}
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
receiver-threads=1
distributor-threads=1
daemon=no
guardian=no
loglevel=5
""")
    return [program("pdns_server"), f"--config-dir={directory}"]


def ours(settings, directory, port):
    write_key_file(directory, settings.secret)
    write(f"{directory}/node.yaml", f"""listen: ["{HOST}:{port}"]
data: {directory}/zones
transfer_from: {HOST}
poll_seconds: 5
key_files: ["{directory}/xfer.key"]
zones:
  - {{zone: {settings.origin}, primaries: ["{settings.primary_host}:{settings.primary_port}"], key: {KEY}}}
""")
    return [binary("swingd"), "dns", "--config", f"{directory}/node.yaml"]


def write_key_file(directory, secret):
    write(f"{directory}/xfer.key", f"{ALGORITHM}:{KEY}:{secret}\n")
    os.chmod(f"{directory}/xfer.key", 0o600)


def binary(name):
    binaries = os.environ.get("SWB_BIN")
    if not binaries:
        raise Absent(f"SWB_BIN does not say where {name} has been built")
    return os.path.join(binaries, name)


OURS = "swingbridge"
KINDS = {OURS: ours, "knot": knot, "nsd": nsd, "bind": bind, "powerdns": powerdns}


class Secondary:
    def __init__(self, kind, settings, port):
        self.kind, self.settings, self.port, self.address = kind, settings, port, (HOST, port)
        self.directory = tempfile.mkdtemp(prefix=f"swb-{kind}-")
        os.chmod(self.directory, 0o755)
        try:
            self.argv = KINDS[kind](settings, self.directory, port)
        except Absent:
            shutil.rmtree(self.directory)
            raise
        if os.getuid() == 0 and kind != OURS:
            owner = pwd.getpwnam(USER)
            for root, _, files in os.walk(self.directory):
                for path in [root, *(os.path.join(root, file) for file in files)]:
                    os.chown(path, owner.pw_uid, owner.pw_gid)
        self.process = None

    def start(self):
        with open(f"{self.directory}/log", "a") as log:
            argv = self.argv if self.kind == OURS else unprivileged(self.argv)
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self):
        if self.process:
            end(self.process)
            self.process = None

    def log(self):
        with open(f"{self.directory}/log", errors="replace") as file:
            return file.read()

    def status(self):
        """What `swingd dns --status` says of our own node: its exit status and the document."""
        done = subprocess.run([*self.argv, "--status", "--json"], capture_output=True, text=True, timeout=10)
        return done.returncode, json.loads(done.stdout)

    def answer(self, name, kind=A):
        """The first record's data as it stands in the message, or nothing."""
        reply = ask_udp(self.address, query(name, kind), 0.5)
        if not reply:
            return None
        with contextlib.suppress(ValueError):
            return next((record.data for record in Response(reply).answer), None)
        return None


class Primary:
    """swb_xfer_primary under remote control."""

    def __init__(self, origin, port, directory, secret, notify=(), arguments=()):
        key_file = write(f"{directory}/xfer.key", f'key "{KEY}" {{\n  algorithm {ALGORITHM};\n  secret "{secret}";\n}};\n')
        os.chmod(key_file, 0o600)
        argv = [binary("swb_xfer_primary"), "--data", f"{directory}/zone", "--origin", origin, "--listen",
                f"{HOST}:{port}", "--key-file", key_file, "--key", KEY, *arguments]
        for target in notify:
            argv += ["--notify", f"{HOST}:{target}"]
        self.lines = []
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()
        if self.process.stdout.readline().strip() != "ready":
            self.reader.join(1)
            raise RuntimeError(f"the primary does not start: {''.join(self.lines)}")

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def set(self, group, address):
        return int(self.command(f"set {group} {address}").split()[1])

    def states(self):
        """(port, zone) → (acknowledged, seen, ms)"""
        states = {}
        line = self.command("states")
        while line != ".":
            endpoint, zone, *values = line.split()
            states[int(endpoint.rsplit(":", 1)[1]), zone] = tuple(None if v == "-" else int(v) for v in values)
            line = self.process.stdout.readline().strip()
        return states

    def log(self):
        return "".join(self.lines)

    def stop(self):
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        self._reap()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def _reap(self):
        self.process.wait(10)
        self.reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()


def until(condition, seconds=60.0, pause=0.002):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return False
