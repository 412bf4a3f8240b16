"""What several scenarios do to a Stage: stop a run where they want it, take processes away, expect refusals."""
import contextlib
import os
import signal
import time

from stage import POSTGRES_BIN, ApiError, describe, wait_for


def run_of(stage, run):
    return stage.api("GET", "/v1/runs/" + run["id"])["run"]


def step_of(run, name):
    return next(step for step in run["steps"] if step["name"] == name)


def order(stage, run, verb, **body):
    return stage.api("POST", f"/v1/runs/{run['id']}/{verb}", body)["run"]


def wait_state(stage, run, state, seconds=20):
    """Until the run is in that state; answers it."""
    found = {}

    def reached():
        found.update(run_of(stage, run))
        return found["state"] == state

    try:
        wait_for(f"run is {state}", seconds, reached, 0.01)
    except AssertionError:
        raise AssertionError(f"the run does not get {state}: {describe(found)}") from None
    return found


def switch_paused(stage, **body):
    """A switch that is paused before its maintenance: nothing has been taken away yet."""
    run = stage.switch(**body)
    # A pause takes effect before the next step: asked for too early it would come before the catch-up.
    wait_for("the catch-up begins", 10, lambda: step_of(run_of(stage, run), "catch-up")["state"] != "pending", 0.002)
    order(stage, run, "pause")
    run = wait_state(stage, run, "paused")
    assert step_of(run, "maintenance-on")["state"] == "pending", describe(run)
    return run


def refused(code, call, *arguments, **named):
    """The call ends with that code, a sentence and no crash; answers the error."""
    try:
        answer = call(*arguments, **named)
    except ApiError as error:
        assert error.code == code, f"{error.code} instead of {code}: {error}"
        assert error.error["message"], error
        return error
    raise AssertionError(f"not refused with {code}: {answer}")


def picture(stage):
    """What must not change by something that was refused."""
    group = stage.group()
    return {"current": group["current"], "epoch": group["epoch"], "busy": group["busy"],
            "runs": [run["id"] for run in stage.api("GET", "/v1/runs?group=shop&limit=500")["runs"]],
            "address": stage.resolve(), "fronts": [stage.front(site) for site in ("fra", "nyc")],
            "definitions": stage.api("GET", "/v1/applications")["applications"]}


@contextlib.contextmanager
def nothing_changed(stage):
    before = picture(stage)
    yield
    after = picture(stage)
    assert after == before, f"changed: {before} → {after}"


def postmaster(stage, site):
    return int(open(stage.path("pg-" + site, "postmaster.pid")).readline())


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if int(open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry))
        except (OSError, IndexError):
            continue
    return found


def process_of(stage, site, title):
    """The one process of the site's PostgreSQL with that word in its title, or None."""
    for pid in children(postmaster(stage, site)):
        with contextlib.suppress(OSError):
            if title in open(f"/proc/{pid}/cmdline", "rb").read().decode(errors="replace"):
                return pid
    return None


class Frozen:
    """A process that is there and does nothing: SIGSTOP now, SIGCONT at the end, if it still is the same."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)


def postgres(stage, site, *arguments):
    """pg_ctl of the site's data directory."""
    return stage.run_as_user(f"{POSTGRES_BIN}/pg_ctl", "-D", stage.path("pg-" + site), *arguments)


class Clock:
    """Prints what a scenario has shown, with the seconds it took."""

    def __init__(self):
        self.start = time.monotonic()

    def say(self, sentence):
        print(f"{time.monotonic() - self.start:6.1f} s  {sentence}", flush=True)
