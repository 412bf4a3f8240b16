"""Name servers of others, each answering one zone from a file on a free port of 127.0.0.1, and ours in the same form.

Started unprivileged in one directory, ended by their process ids. Used by the conformance suite and by bench-dns.
"""
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from dns_wire import QR, SOA, ask_udp, query

HOST = "127.0.0.1"
USER = "nobody"  # as root, the servers run as this user
START_SECONDS = 30


class Absent(RuntimeError):
    """A server's program is not installed."""


def program(name):
    for directory in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]:
        path = os.path.join(directory, name)
        if directory and os.access(path, os.X_OK):
            return path
    raise Absent(f"{name} is not installed: scripts/dependencies installs it")


def unprivileged(argv):
    if os.getuid() != 0:
        return list(argv)
    return ["setpriv", f"--reuid={USER}", f"--regid={pwd.getpwnam(USER).pw_gid}", "--clear-groups", *argv]


def free_port():
    """Free for UDP and TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((HOST, 0))
            port = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind((HOST, port))
                return port


@contextlib.contextmanager
def work_directory():
    path = tempfile.mkdtemp(prefix="swb-dns-")
    try:
        os.chmod(path, 0o755)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def end(process, seconds=10):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """A running name server. address: (host, port) for the functions of dns_wire."""

    def __init__(self, name, process, port, directory):
        self.name, self.process, self.port, self.directory = name, process, port, directory
        self.address = (HOST, port)

    @property
    def pid(self):
        return self.process.pid


def wait_until_answering(name, process, port, origin, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        reply = ask_udp((HOST, port), query(origin, SOA), 0.2)
        if reply and reply[3] & 15 == 0 and reply[2] << 8 & QR and reply[7] == 1:
            return
        time.sleep(0.05)
    with open(log, errors="replace") as file:
        raise RuntimeError(f"{name} does not answer {origin}: {file.read()[-1500:]}")


class Settings:
    """What to serve and how: the same for every server. cookies: on where they are not by default."""

    def __init__(self, origin, zone_file, workers=1, updates=False, cookies=False):
        self.origin, self.zone_file, self.workers = origin.rstrip("."), zone_file, workers
        self.updates, self.cookies = updates, cookies

    def with_file(self, path):
        return Settings(self.origin, path, self.workers, self.updates, self.cookies)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def knot(settings, directory, port):
    update = ("acl:\n  - id: update\n    address: 127.0.0.1\n    action: update\n" if settings.updates else "")
    conf = write(f"{directory}/knot.conf", f"""server:
  rundir: {directory}
  listen: {HOST}@{port}
  udp-workers: {settings.workers}
  tcp-workers: {settings.workers}
  background-workers: 1
log:
  - target: stderr
    any: warning
database:
  storage: {directory}/db
{update}zone:
  - domain: {settings.origin}
    storage: {directory}
    file: {settings.zone_file}
    semantic-checks: off
    zonefile-sync: -1
    {"module: mod-cookies" if settings.cookies else ""}
    {"acl: update" if settings.updates else "journal-content: none"}
""")
    os.makedirs(f"{directory}/db", exist_ok=True)
    return [program("knotd"), "-c", conf]


def nsd(settings, directory, port):
    conf = write(f"{directory}/nsd.conf", f"""server:
  ip-address: {HOST}@{port}
  server-count: {settings.workers}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  pidfile: "{directory}/nsd.pid"
  logfile: "{directory}/nsd.log"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  answer-cookie: {"yes" if settings.cookies else "no"}
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "{settings.origin}"
  zonefile: "{settings.zone_file}"
""")
    return [program("nsd"), "-d", "-c", conf]


def bind(settings, directory, port):
    conf = write(f"{directory}/named.conf", f"""options {{
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
}};
controls {{ }};
zone "{settings.origin}" {{
  type primary;
  file "{settings.zone_file}";
  check-names ignore;
  {"allow-update { 127.0.0.1; };" if settings.updates else ""}
}};
""")
    return [program("named"), "-g", "-c", conf, "-n", str(settings.workers)]


def powerdns(settings, directory, port):
    write(f"{directory}/bind.conf",
          f'zone "{settings.origin}" {{ type master; file "{settings.zone_file}"; }};\n')
    write(f"{directory}/pdns.conf", f"""launch=bind
bind-config={directory}/bind.conf
local-address={HOST}
local-port={port}
socket-dir={directory}
receiver-threads={settings.workers}
distributor-threads={settings.workers}
daemon=no
guardian=no
loglevel=3
""")
    return [program("pdns_server"), f"--config-dir={directory}"]


def gdnsd(settings, directory, port):
    os.makedirs(f"{directory}/zones", exist_ok=True)
    os.makedirs(f"{directory}/run", exist_ok=True)
    os.makedirs(f"{directory}/state", exist_ok=True)
    with open(settings.zone_file) as file:
        # gdnsd refuses a delegation with a DS set.
        write(f"{directory}/zones/{settings.origin}", "".join(line for line in file if "TYPE43" not in line))
    write(f"{directory}/config", f"""options => {{
  listen => [ {HOST}:{port} ]
  run_dir => {directory}/run
  state_dir => {directory}/state
  udp_threads => {settings.workers}
  tcp_threads => {settings.workers}
}}
""")
    return [program("gdnsd"), "-c", directory, "start"]


def ours(settings, directory, port):
    binaries = os.environ.get("SWB_BIN")
    if not binaries:
        raise Absent("SWB_BIN does not say where swb_dns_server has been built")
    return [os.path.join(binaries, "swb_dns_server"), "--origin", settings.origin, "--zone", settings.zone_file,
            "--listen", f"{HOST}:{port}", "--threads", str(settings.workers)]


OURS = "swingbridge"
PEERS = {OURS: ours, "knot": knot, "nsd": nsd, "bind": bind, "powerdns": powerdns, "gdnsd": gdnsd}


@contextlib.contextmanager
def serving(name, settings, **options):
    """Starts the named server; the block runs when it answers. options: of subprocess.Popen, for pipes."""
    with work_directory() as directory:
        if settings.zone_file:
            copy = os.path.join(directory, "zone.db")
            shutil.copy(settings.zone_file, copy)
            settings = settings.with_file(copy)
        port = free_port()
        argv = PEERS[name](settings, directory, port)
        if os.getuid() == 0:
            entry = pwd.getpwnam(USER)
            for root, _, files in os.walk(directory):
                for path in [root, *(os.path.join(root, file) for file in files)]:
                    os.chown(path, entry.pw_uid, entry.pw_gid)
        log = os.path.join(directory, "log")
        with open(log, "w") as output:
            # Ours runs as whoever runs the tests: another user may not get into the directory it was built in.
            process = subprocess.Popen(argv if name == OURS else unprivileged(argv), stderr=output,
                                       **{"stdin": subprocess.DEVNULL, "stdout": output, **options})
        try:
            wait_until_answering(name, process, port, settings.origin, log)
            yield Server(name, process, port, directory)
        finally:
            end(process)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
