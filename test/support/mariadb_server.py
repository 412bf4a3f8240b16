"""A MariaDB server as an administrator makes one before Swingbridge comes: system tables, an option file with a binary
log, the application's schema and account, and one administrator known to the kernel. Made in a directory of its own for
an unprivileged user, and left stopped."""
import os
import pwd
import subprocess
import time

PROGRAM = "/usr/sbin/mariadbd"


def as_user(user, argv):
    """Servers never run as root: whoever may, becomes that user."""
    if os.geteuid() != 0:
        return list(argv)
    return ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", *argv]


def give_to(user, path):
    """Files that root wrote for a server, made that server's."""
    if os.geteuid() != 0:
        return
    entry = pwd.getpwnam(user)
    for parent, directories, files in os.walk(path):
        for name in ["", *directories, *files]:
            os.chown(os.path.join(parent, name), entry.pw_uid, entry.pw_gid, follow_symlinks=False)


class MariadbServer:
    def __init__(self, directory, user, address, port, server_id):
        self.directory, self.user, self.address, self.port = directory, user, address, port
        self.server_id = server_id
        self.data, self.config = directory + "/data", directory + "/my.cnf"
        # The path of a socket is short, however deep the directory lies.
        self.socket = directory + "/s"
        self.process = None

    def make(self, schema, account, password, options=()):
        """The account may do everything in its schema and nothing elsewhere."""
        os.makedirs(self.directory + "/tmp")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(["[mysqld]", f"datadir = {self.data}", f"tmpdir = {self.directory}/tmp",
                                  f"socket = {self.socket}", f"port = {self.port}", f"bind-address = {self.address}",
                                  "skip-name-resolve", "character-set-server = utf8mb4", f"server_id = {self.server_id}",
                                  "log_bin = bin", "binlog_format = ROW", "log_slave_updates = ON", "max_connections = 100",
                                  "innodb_buffer_pool_size = 32M", "innodb_log_file_size = 16M", *options, ""]))
        give_to(self.user, self.directory)
        self._run("mariadb-install-db", "--no-defaults", "--datadir=" + self.data, "--skip-test-db", "--skip-name-resolve",
                  "--auth-root-authentication-method=socket", "--auth-root-socket-user=" + self.user,
                  environment={"TMPDIR": self.directory + "/tmp"})
        self._run(PROGRAM, "--defaults-file=" + self.config, "--bootstrap", text=(
            "FLUSH PRIVILEGES;\nDROP USER root@localhost;\n"
            f"CREATE DATABASE {schema} CHARACTER SET utf8mb4;\n"
            f"CREATE USER {account}@'%' IDENTIFIED BY '{password}';\n"
            f"GRANT ALL ON {schema}.* TO {account}@'%';\n"))

    def service(self):
        """The `service` of a definition whose agent runs this server."""
        return {"manage": "direct", "data": self.data, "bin": os.path.dirname(PROGRAM), "config": self.config,
                "socket": self.socket, "superuser": self.user}

    def query(self, statement, schema=""):
        """Rows of one statement of the administrator's, as lists of text."""
        done = subprocess.run(as_user(self.user, ["mariadb", "--no-defaults", "--socket=" + self.socket, "--user=" + self.user,
                                                  "--batch", "--skip-column-names", "--execute=" + statement,
                                                  *([schema] if schema else [])]),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(f"{statement}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def start(self):
        """For who has no agent that does it."""
        with open(self.directory + "/server.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(as_user(self.user, [PROGRAM, "--defaults-file=" + self.config]),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.query("SELECT 1")
            except RuntimeError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)

    def _run(self, *argv, text=None, environment=None):
        done = subprocess.run(as_user(self.user, argv), input=text, stdin=subprocess.DEVNULL if text is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, cwd="/",
                              env={**os.environ, **(environment or {})})
        if done.returncode != 0:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stdout[-2000:]}")
