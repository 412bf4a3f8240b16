"""A lab for one scenario: started in a directory of its own, used through the programs' public commands, and gone with
everything it started when the test ends.

    class Switch(world.Scenario):
        def test_there_and_back(self):
            with self.lab.load() as load:
                run = self.lab.switch()
            self.assertEqual(load.score["missing"], 0)

The programs are those in $SWB_BIN (ctest sets it), or else the newest build/*/bin.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import psycopg2

GROUP = "shop"
PROGRAMS = ("swingd", "agent-fra-1", "agent-nyc-1")


def find_programs():
    named = os.environ.get("SWB_BIN")
    if named:
        return pathlib.Path(named)
    root = pathlib.Path(__file__).resolve().parents[2]
    built = sorted(root.glob("build/*/bin/swing"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise RuntimeError("no programs: build them, or set SWB_BIN")
    return built[-1].parent


class CommandFailed(Exception):
    """`swing` ended with another status than 0; `document` is what it printed, `code` the error's SWB-… code."""

    def __init__(self, arguments, status, document, errors):
        self.status, self.document, self.errors = status, document, errors
        error = (document or {}).get("error") if isinstance(document, dict) else None
        self.code = error.get("code", "") if isinstance(error, dict) else ""
        super().__init__(f"swing {' '.join(arguments)}: status {status}: {errors.strip()[-1500:]}")


def wait_for(condition, timeout=15.0, what="the condition", pause=0.02):
    """The condition's first true value; an exception in it counts as false until the time is over."""
    deadline = time.monotonic() + timeout
    while True:
        error = None
        try:
            value = condition()
            if value:
                return value
        except (CommandFailed, OSError, psycopg2.Error, KeyError, IndexError, subprocess.SubprocessError) as caught:
            error = caught
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout} s" + (f" ({error})" if error else ""))
        time.sleep(pause)


def processes_of(directory):
    """Command lines of what runs with this directory on it, but for those that only look."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().replace(b"\0", b" ").decode(errors="replace")
            places = [os.readlink(f"/proc/{pid}/{link}") for link in ("cwd", "fd/2")]
        except OSError:
            continue
        if int(pid) != os.getpid() and (directory in words or any(place.startswith(directory) for place in places)):
            found.append(f"{pid} {words}")
    return found


class Load:
    """`swing lab load` in the background; the score is there after the `with` block or stop()."""

    def __init__(self, lab, writers, rate, seconds):
        self.score, self.status = None, None
        command = [str(lab.programs / "swing"), "lab", "load", "--dir", lab.directory, "--json", "--writers", str(writers)]
        if rate:
            command += ["--rate", str(rate)]
        if seconds:
            command += ["--seconds", str(seconds)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
            self.process.communicate()
        elif self.score is None:
            self.stop()

    def stop(self, timeout=90):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.finish(timeout)

    def finish(self, timeout=90):
        output, errors = self.process.communicate(timeout=timeout)
        self.status = self.process.returncode
        if not output.strip():
            raise AssertionError(f"the load printed no score: {errors[-1000:]}")
        self.score = json.loads(output)
        return self.score


class Lab:
    def __init__(self, directory=None, arguments=()):
        self.programs = find_programs()
        self.parent = None
        if directory is None:
            self.parent = tempfile.mkdtemp(prefix="swb-")
            os.chmod(self.parent, 0o755)  # the lab's user has to get through
            directory = os.path.join(self.parent, "lab")
        self.directory = directory
        self.arguments = list(arguments)
        self.status = None

    # -- life

    def up(self, timeout=120):
        self.status = self.run("lab", "up", "--dir", self.directory, *self.arguments, timeout=timeout, connect=False)
        return self

    def down(self):
        if os.path.exists(os.path.join(self.directory, "lab.json")):
            self.run("lab", "down", "--dir", self.directory, connect=False)
        if self.parent:
            shutil.rmtree(self.parent, ignore_errors=True)

    def refresh(self):
        self.status = self.run("lab", "status", "--dir", self.directory, connect=False)
        return self.status

    def logs(self, lines=30):
        """The ends of all logs, for messages of tests that failed."""
        paths = sorted(pathlib.Path(self.directory).glob("log/*.log"))
        return "\n".join(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
                         for path in paths)

    # -- commands

    def run(self, *arguments, timeout=60, connect=True, input=None, allow_failure=False):
        """swing ARGUMENTS --json; its document. CommandFailed for another exit status than 0, unless allowed."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SWING")}
        if connect:
            environment.update(SWING_URL=self.status["url"], SWING_TOKEN_FILE=self.status["tokenFile"],
                               SWING_CA=self.status["caFile"])
        done = subprocess.run([str(self.programs / "swing"), *arguments, "--json"], env=environment, text=True,
                              input=input, stdin=subprocess.DEVNULL if input is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        try:
            document = json.loads(done.stdout)
        except ValueError:
            document = None
        if done.returncode != 0 and not allow_failure:
            raise CommandFailed(arguments, done.returncode, document, done.stderr)
        return document

    def swing(self, *arguments, **options):
        return self.run(*arguments, **options)

    def switch(self, *arguments, timeout=60, **options):
        """A planned switch, waited for; answers the finished run, also one that did not end well."""
        return self.run("group", "switch", GROUP, "--yes", "--wait", *arguments, timeout=timeout, **options)

    def start_switch(self, *arguments):
        return self.run("group", "switch", GROUP, "--yes", "--no-wait", *arguments)

    def finished_run(self, identifier, timeout=60):
        """The run once it is in an end state, whatever happens to the controller meanwhile."""
        def ended():
            run = self.run("run", "show", identifier, timeout=10)
            return run if run["state"] in ("done", "failed", "aborted") else None
        return wait_for(ended, timeout, f"the end of run {identifier}", pause=0.1)

    def group(self):
        return self.run("group", "show", GROUP)

    def check(self):
        document = self.run("group", "check", GROUP, allow_failure=True)
        return document.get("ready", document)

    def wait_ready(self, timeout=30):
        """Until nothing speaks against a switch."""
        wait_for(lambda: self.check().get("verdict") in ("ok", "warning"), timeout, "a group that is ready", pause=0.2)

    def load(self, writers=4, rate=200, seconds=None):
        return Load(self, writers, rate, seconds)

    # -- the world

    def site(self, name):
        return next(site for site in self.status["sites"] if site["name"] == name)

    def standby_of(self, name):
        return "nyc" if name == "fra" else "fra"

    def current(self):
        """Site of the group's current application."""
        application = self.group()["current"]
        return next(site["name"] for site in self.status["sites"] if site["application"] == application)

    def sql(self, site, statement, parameters=None, admin=True):
        """Rows of one statement at a site's database; as the administrator, or as the application."""
        connection = psycopg2.connect(self.site(site)["postgresql"]["adminDsn" if admin else "dsn"], connect_timeout=3)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def engines(self):
        return self.status["engines"]

    def role(self, site):
        """"primary", "replica", or "down"; "mixed" when its databases are not all the same."""
        if self.engines() != ["postgresql"]:
            self.refresh()
            roles = {self.site(site)[engine]["role"] or "down" for engine in self.engines()}
            return roles.pop() if len(roles) == 1 else "mixed"
        try:
            return "replica" if self.sql(site, "SELECT pg_is_in_recovery()")[0][0] else "primary"
        except psycopg2.Error:
            return "down"

    def resolve(self, name=None):
        """What the lab's name server answers for the failover address, or another name."""
        dns, name = self.status["dns"], name or self.status["group"]["address"]
        done = subprocess.run(["dig", "+short", "+time=1", "+tries=1", "@" + dns["address"], "-p", str(dns["port"]),
                               name, "A"], stdout=subprocess.PIPE, text=True, timeout=10)
        return done.stdout.split()

    # -- faults

    def pid(self, program):
        """Of a program that the lab's supervisor keeps running: swingd, agent-fra-1, agent-nyc-1; None while it is down."""
        with open(os.path.join(self.directory, "supervisor.json"), encoding="utf-8") as file:
            pid = json.load(file)["programs"].get(program)
        return pid if pid and os.path.exists(f"/proc/{pid}") else None

    def kill9(self, program):
        """The supervisor starts it again at once. Answers the pid that was killed."""
        pid = wait_for(lambda: self.pid(program), what=f"a running {program}")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), what=f"the end of {program}")
        return pid

    def wait_restarted(self, program, before):
        return wait_for(lambda: self.pid(program) not in (None, before) and self.pid(program), what=f"a restarted {program}")

    def hold(self, program):
        """Once it ends it is not started again, until release()."""
        self._control("hold", program, "")

    def release(self, program):
        os.unlink(os.path.join(self.directory, "hold", program))

    def set_environment(self, program, variables):
        """Variables for its next start; {} takes them back."""
        self._control("environment", program, "".join(f"{key}={value}\n" for key, value in variables.items()))

    def set_fault(self, program, point, once=True):
        """Restarts the program so that it kills itself when it passes that fault point: the first time only, or always."""
        marker = os.path.join(self.directory, "environment", f"passed-{program}-{point}")
        self.clear_marker(marker)
        self.set_environment(program, {"SWINGBRIDGE_FAULT": point, **({"SWINGBRIDGE_FAULT_ONCE": marker} if once else {})})
        self.wait_restarted(program, self.kill9(program))
        self.wait_connected()
        return marker

    def fault_was_hit(self, marker):
        return os.path.exists(marker)

    @staticmethod
    def clear_marker(marker):
        if os.path.exists(marker):
            os.unlink(marker)

    def wait_connected(self, timeout=20):
        """Until the controller answers and both agents are connected."""
        wait_for(lambda: all(server["connected"] for server in self.run("server", "list", timeout=10)["servers"]), timeout,
                 "both agents connected")

    def _control(self, kind, program, content):
        path = os.path.join(self.directory, kind, program)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, 0o644)  # the supervisor reads it as the lab's user


class Scenario(unittest.TestCase):
    """One lab for all tests of a class, started before the first and removed after the last."""

    lab_arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(arguments=cls.lab_arguments)
        cls.addClassCleanup(cls.lab.down)
        try:
            cls.lab.up()
        except CommandFailed as failure:
            raise RuntimeError(f"{failure}\n{cls.lab.logs()}") from failure

    def assert_clean(self, load):
        """Nothing that was acknowledged is missing, nothing is there twice, and something was written at all."""
        self.assertEqual((load.score["missing"], load.score["doubled"]), (0, 0), load.score)
        self.assertGreater(load.score["acknowledged"], 0, load.score)
        self.assertEqual(load.status, 0)

    def assert_legal(self):
        """One primary, one streaming replica, the address at the primary's site (I1, I10), whatever happened before."""
        lab = self.lab
        current = wait_for(lab.current, what="a controller that answers")
        standby = lab.standby_of(current)
        wait_for(lambda: lab.role(current) == "primary" and lab.role(standby) == "replica", 20,
                 f"{current} primary and {standby} replica (now {lab.role(current)} and {lab.role(standby)})")
        wait_for(lambda: lab.resolve() == [lab.site(current)["server"]["address"]], what=f"the address at {current}")
        if "postgresql" in lab.engines():
            wait_for(lambda: lab.sql(current, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")[0][0] == 1,
                     20, f"{standby} streaming from {current}")
        wait_for(lambda: [link["state"] for link in lab.group()["links"]] == ["streaming"] * len(lab.engines()),
                 20, f"{standby} following {current} with {', '.join(lab.engines())}")
        self.assertIsNone(lab.group().get("busy") or None)
        return current
