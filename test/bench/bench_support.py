"""What the benchmark's competitors and tools share: an unprivileged user, free ports, two PostgreSQL servers, observers, the
client. Servers of other engines: engine_servers.py.

Nothing here measures; it starts servers in one temporary directory and ends every process it started, by its id.
"""
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2
import psycopg2.extensions

PG_BIN = os.environ.get("SWB_PG_BIN", "/usr/lib/postgresql/15/bin")
DATABASE = "shop"
APP_USER, APP_PASSWORD = "app", "app-secret"
REPL_USER, REPL_PASSWORD = "repl", "repl-secret"


def now_ms():
    """The clock of the client's log: CLOCK_MONOTONIC in milliseconds."""
    return time.monotonic() * 1000.0


def server_user():
    """PostgreSQL refuses root: as root its servers run as `postgres`, else as whoever we are."""
    return "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def as_server_user(argv):
    if os.getuid() != 0:
        return list(argv)
    user = server_user()
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *argv]


def run(argv, timeout=120, **options):
    """Runs a program as the servers' user; its output becomes part of the error when it fails."""
    done = subprocess.run(as_server_user(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


def free_ports(count, host="127.0.0.1"):
    """Ports nobody listens on, below the range the kernel hands out to clients."""
    found, port = [], 20000 + os.getpid() % 8000
    while len(found) < count:
        port += 1
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                found.append(port)
    return found


@contextlib.contextmanager
def work_directory(keep=False):
    """A directory owned by the servers' user, removed at the end; SIGTERM and SIGHUP end the block like ctrl-C."""
    def interrupted(number, frame):
        raise KeyboardInterrupt
    previous = {number: signal.signal(number, interrupted) for number in (signal.SIGTERM, signal.SIGHUP)}
    path = tempfile.mkdtemp(prefix="swb-bench-")
    try:
        if os.getuid() == 0:
            user = pwd.getpwnam(server_user())
            os.chown(path, user.pw_uid, user.pw_gid)
        yield path
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if keep:
            print(f"kept: {path}")
        else:
            shutil.rmtree(path, ignore_errors=True)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def end_process(pid, first=signal.SIGTERM, seconds=20):
    """Asks the process to end, insists after some seconds, and returns when it is gone."""
    for number in (first, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while alive(pid) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)
        if not alive(pid):
            return


def postmaster_pid(data):
    try:
        with open(os.path.join(data, "postmaster.pid")) as file:
            return int(file.readline())
    except (OSError, ValueError):
        return None


def connect(port, host="127.0.0.1", user=None, database="postgres", password=None, **options):
    """An autocommit session, by default the superuser's (trusted on loopback)."""
    session = psycopg2.connect(host=host, port=port, user=user or server_user(), dbname=database, password=password,
                               connect_timeout=3, gssencmode="disable", **options)
    session.autocommit = True
    return session


def query(session, sql, arguments=None):
    with session.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall() if cursor.description else None


def streaming_from(port, application_name, user=None, password=None):
    """True when the server on `port` is a primary that sees the named standby streaming."""
    try:
        with contextlib.closing(connect(port, user=user, password=password)) as session:
            return bool(query(session, "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state ="
                                       " 'streaming' AND NOT pg_is_in_recovery()", (application_name,)))
    except psycopg2.Error:
        return False


def create_application(port, password=None):
    """The application's role, database and table. No unique constraint: a doubled write must be able to show."""
    with contextlib.closing(connect(port, password=password)) as session:
        query(session, f"CREATE ROLE {APP_USER} LOGIN PASSWORD '{APP_PASSWORD}'")
        query(session, f"CREATE DATABASE {DATABASE} OWNER {APP_USER}")
    with contextlib.closing(connect(port, user=APP_USER, password=APP_PASSWORD, database=DATABASE)) as session:
        query(session, "CREATE TABLE acknowledged(tag text NOT NULL, at timestamptz NOT NULL DEFAULT now())")


def app_conninfo(ports, host="127.0.0.1"):
    hosts = ",".join([host] * len(ports))
    return (f"host={hosts} port={','.join(map(str, ports))} dbname={DATABASE} user={APP_USER} sslmode=prefer"
            " gssencmode=disable connect_timeout=3")


class PostgresqlObserver:
    """Sees from outside whether a server is a primary with a streaming replica. It keeps a session, which survives a
    promotion, and opens another when it is lost."""

    def __init__(self, opener):
        self.opener, self.session = opener, None

    def sees_streaming(self):
        try:
            if self.session is None:
                self.session = self.opener()
            return bool(query(self.session, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"
                                            " AND NOT pg_is_in_recovery()"))
        except psycopg2.Error:
            self.session = None
            return False

    def close(self):
        if self.session is not None:
            self.session.close()
            self.session = None


class Server:
    """One PostgreSQL server: a data directory and a port."""

    def __init__(self, name, data, port):
        self.name, self.data, self.port = name, data, port
        self.log = data + ".log"

    def append_settings(self, settings):
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in settings.items())

    def pg_ctl(self, *arguments):
        return run([f"{PG_BIN}/pg_ctl", "-D", self.data, "-s", *arguments], cwd="/")

    def start(self):
        self.pg_ctl("start", "-w", "-l", self.log)

    def stop(self):
        """Fast, then immediate, then by force: used for cleaning up, never measured."""
        pid = postmaster_pid(self.data)
        if pid is not None and alive(pid):
            end_process(pid, signal.SIGINT)

    def session(self, **options):
        return connect(self.port, **options)

    def observer(self):
        return PostgresqlObserver(self.session)


class ServerPair:
    """Primary `a` and streaming replica `b`, with slots, as an operator would set them up; roles swap later."""

    def __init__(self, directory, settings=None, app_auth="scram-sha-256", wal_segment_mb=16):
        self.directory = directory
        self.settings = settings or {}
        self.app_auth = app_auth
        self.wal_segment_mb = wal_segment_mb
        ports = free_ports(2)
        self.a, self.b = (Server(name, os.path.join(directory, name), port) for name, port in zip("ab", ports))
        self.passfile = os.path.join(directory, "pgpass")

    def start(self):
        with open(self.passfile, "w") as file:
            file.write(f"*:*:*:{REPL_USER}:{REPL_PASSWORD}\n*:*:*:{APP_USER}:{APP_PASSWORD}\n")
        os.chmod(self.passfile, 0o600)
        if os.getuid() == 0:
            shutil.chown(self.passfile, server_user(), server_user())
        run([f"{PG_BIN}/initdb", "-D", self.a.data, "-U", server_user(), "-A", "trust", "-k", "--locale=C.UTF-8",
             f"--wal-segsize={self.wal_segment_mb}"], cwd="/")
        self.write_hba(self.a)
        self.a.append_settings({"listen_addresses": "127.0.0.1", "port": self.a.port,
                                "unix_socket_directories": self.directory, "lc_messages": "C", **self.settings})
        self.a.start()
        with contextlib.closing(self.a.session()) as session:
            query(session, f"CREATE ROLE {REPL_USER} LOGIN REPLICATION PASSWORD '{REPL_PASSWORD}'")
            query(session, "SELECT pg_create_physical_replication_slot('b', true)")
        create_application(self.a.port)
        run([f"{PG_BIN}/pg_basebackup", "-D", self.b.data, "-X", "stream", "-S", "b", "-R", "-c", "fast",
             "-d", f"host=127.0.0.1 port={self.a.port} user={REPL_USER} passfile={self.passfile} application_name=b"],
            cwd="/")
        self.b.append_settings({"port": self.b.port})
        self.follow_settings(self.a, self.b)
        self.b.start()
        deadline = time.monotonic() + 30
        while not streaming_from(self.a.port, "b"):
            if time.monotonic() > deadline:
                raise RuntimeError("the replica does not stream: see " + self.b.log)
            time.sleep(0.05)

    def follow_settings(self, upstream, downstream):
        """Both servers carry the connection to the other one all the time; standby.signal decides who uses it."""
        for server, other in ((upstream, downstream), (downstream, upstream)):
            auto = os.path.join(server.data, "postgresql.auto.conf")
            with open(auto, "w") as file:
                file.write(f"primary_conninfo = 'host=127.0.0.1 port={other.port} user={REPL_USER}"
                           f" passfile={self.passfile} application_name={server.name}'\n"
                           f"primary_slot_name = '{server.name}'\n")
            if os.getuid() == 0:
                shutil.chown(auto, server_user(), server_user())

    def write_hba(self, server):
        with open(os.path.join(server.data, "pg_hba.conf"), "w") as file:
            file.write(f"local all all trust\n"
                       f"host {DATABASE} {APP_USER} 127.0.0.0/8 {self.app_auth}\n"
                       f"host replication {REPL_USER} 127.0.0.0/8 scram-sha-256\n"
                       f"host all {server_user()} 127.0.0.0/8 trust\n")

    def stop(self):
        for server in (self.a, self.b):
            server.stop()

    def targets(self):
        return [postgresql_target(app_conninfo([self.a.port, self.b.port]))]

    def observers(self):
        return [(server.name, [server.observer()]) for server in (self.a, self.b)]


class GapClient:
    """swb_gap_client beside the servers: started once for a series, its score read at the end.

    targets: for each database that must have a write, what the client has to know (arguments, environment) and how its
    tags are read afterwards (tags: a function that answers all of them, a doubled one twice).
    """

    def __init__(self, program, directory, targets, writers=4):
        self.program, self.directory, self.targets, self.writers = program, directory, targets, writers
        self.log = os.path.join(directory, "acknowledged.log")
        self.windows_file = os.path.join(directory, "windows")
        self.windows = []
        self.process = None

    def start(self):
        environment, arguments = dict(os.environ), []
        for target in self.targets:
            environment.update(target["environment"])  # passwords: kept out of the process list
            arguments += target["arguments"]
        self.process = subprocess.Popen(
            [self.program, "write", *arguments, "--log", self.log, "--writers", str(self.writers)],
            stdout=subprocess.PIPE, text=True, env=environment)
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise RuntimeError(f"the client ended at once, with {self.process.wait(timeout=0.3)}")

    def finish(self):
        """Ends the writers, reads every database; the client's report, the gaps of each window, and what each lost or
        has twice."""
        self.process.send_signal(signal.SIGTERM)
        report = json.loads(self.process.communicate(timeout=30)[0])
        with open(self.windows_file, "w") as file:
            file.writelines(f"{start:.3f} {end:.3f}\n" for start, end in self.windows)
        scores = {target["engine"]: self._score(target) for target in self.targets}
        windows = [score.pop("windows") for score in scores.values()][0]
        return report, windows, scores

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            end_process(self.process.pid)

    def _score(self, target):
        path = os.path.join(self.directory, "tags-" + target["engine"])
        with open(path, "w") as file:
            file.writelines(tag + "\n" for tag in target["tags"]())
        score = subprocess.run([self.program, "score", "--log", self.log, "--windows", self.windows_file, "--tags", path],
                               stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(score.stdout)


def postgresql_target(conninfo):
    """Of a conninfo with all hosts, with or without its password."""
    parts = psycopg2.extensions.parse_dsn(conninfo)
    password = parts.pop("password", APP_PASSWORD)
    conninfo = psycopg2.extensions.make_dsn(**parts)

    def tags():
        with contextlib.closing(psycopg2.connect(conninfo, password=password, target_session_attrs="read-write")) as session:
            return [row[0] for row in query(session, "SELECT tag FROM acknowledged")]
    return {"engine": "postgresql", "arguments": ["--conninfo", conninfo], "environment": {"PGPASSWORD": password},
            "tags": tags}


def percentile(values, fraction):
    """Nearest rank, so that the figure is one that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * fraction // 1).__int__() - 1))] if ordered else None
