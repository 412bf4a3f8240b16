#!/usr/bin/python3
"""A name at another provider follows a switch; a provider that stands still delays that name and nothing else: neither
the outage nor the own address, and the run ends when the provider is back. Removed, it leaves there exactly what the
documentation says: everything, or everything but our mark."""
import contextlib
import json
import os
import signal
import subprocess

from steering import Clock, order, run_of, step_of, wait_state
from stage import REPOSITORY, ApiError, Stage, describe, wait_for
from writers import Writers

NAME = "www.shop.example"
MARK = f"_swingbridge-owner.{NAME}."
PUBLICATIONS = "/v1/groups/shop/publications"
# A run asks for this long before it calls the step failed.
CONFIRM_SECONDS = 120


class Provider:
    """A real BIND with the zone shop.example, whose process can be made to stand still."""

    def __enter__(self):
        script = os.path.join(REPOSITORY, "test", "support", "providers", "primary.py")
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", script, "bind"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())
        assert "error" not in self.facts, self.facts
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            self.server = int(children.read().split()[0])
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.server, signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def answers(self):
        address, port = self.facts["nameServers"][0].rsplit(":", 1)
        out = subprocess.run(["dig", "+short", "+tries=3", "+time=2", "@" + address, "-p", port, NAME, "A"],
                             capture_output=True, text=True)
        return out.stdout.split()

    def zone(self):
        """Every record but the SOA, as one line each."""
        address, port = self.facts["nameServers"][0].rsplit(":", 1)
        out = subprocess.run(["dig", "+noall", "+answer", "+onesoa", "@" + address, "-p", port, "shop.example", "AXFR"],
                             capture_output=True, text=True)
        lines = {" ".join(line.split()) for line in out.stdout.splitlines() if line}
        assert len(lines) > 5, out.stdout
        return {line for line in lines if " SOA " not in line}

    @contextlib.contextmanager
    def frozen(self):
        os.kill(self.server, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server, signal.SIGCONT)


def publication(stage):
    return stage.api("GET", "/v1/publications")["publications"][0]


def add(stage, provider):
    stage.api("POST", PUBLICATIONS, {"name": NAME, "zone": "shop.example", "provider": "rfc2136",
                                     "endpoint": provider.facts["endpoint"], "credential": "secret:bind",
                                     "nameServers": provider.facts["nameServers"]})


def publish(stage, provider):
    stage.api("PUT", "/v1/credentials/bind", {"value": provider.facts["credential"]})
    add(stage, provider)
    stage.api("POST", f"{PUBLICATIONS}/{NAME}/A/adopt", {"replace": True})
    wait_for("the name is published", 20, lambda: publication(stage)["standing"] == "published")


def both_answer(stage, provider, site):
    expected = [stage.address[site]]
    assert stage.resolve() == expected and provider.answers() == expected, (stage.resolve(), provider.answers())


def follows(stage, provider):
    before = stage.current()
    run = stage.done({"run": stage.switch()})
    assert stage.current() == stage.other(before)
    both_answer(stage, provider, stage.current())
    assert step_of(run, "confirm-elsewhere")["state"] == "done"
    return run["writeOutageMs"]


def stands_still(stage, provider, writers, usual_ms):
    before = stage.current()
    other = stage.other(before)
    with provider.frozen():
        run = stage.switch()
        wait_for("all but the publication is done", 60, lambda: [
            step["name"] for step in run_of(stage, run)["steps"] if step["state"] not in ("done", "pending")
        ] == ["confirm-elsewhere"])
        seen = len(writers.acknowledged)
        wait_for("writes go on", 10, lambda: len(writers.acknowledged) > seen + 20)
        assert stage.resolve() == [stage.address[other]], "the own address does not wait for a provider"
        found = wait_state(stage, run, "waiting", CONFIRM_SECONDS)
        assert [step["name"] for step in found["steps"] if step["state"] == "failed"] == ["confirm-elsewhere"], describe(found)
        outage = found["writeOutageMs"]
        assert outage <= 2 * usual_ms + 500, f"writes were away for {outage} ms, else {usual_ms} ms: {describe(found)}"
    with contextlib.suppress(ApiError):  # it may have tried again by itself just now
        order(stage, run, "retry")
    stage.done({"run": run})
    both_answer(stage, provider, other)


def swing(stage, *arguments):
    """`swing` as an operator types it: exit status and document."""
    done = subprocess.run([f"{stage.bin}/swing", *arguments, "--json", "--url", f"https://{stage.net}.1:{stage.api_port}",
                           "--ca", stage.path("c", "ca.pem"), "--token", "@" + stage.path("c", "admin.token")],
                          capture_output=True, text=True, env=stage.environment)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def marks(zone):
    return {line for line in zone if line.startswith(MARK)}


def removed(stage, provider):
    """Removed, the mark stays and the name can be taken up again; withdrawn, the mark goes and nothing else does."""
    group, site = stage.group(), stage.current()
    before = provider.zone()
    assert len(marks(before)) == 1 and group["id"] in marks(before).pop(), marks(before)
    assert swing(stage, "publication", "remove", "shop", NAME) == (0, {"withdrawn": False})
    assert provider.zone() == before and not stage.api("GET", "/v1/publications")["publications"]
    add(stage, provider)
    wait_for("our own mark is taken up", 20, lambda: publication(stage)["standing"] == "published")
    with provider.frozen():
        status, errors = swing(stage, "publication", "remove", "shop", NAME, "--withdraw")
        assert status != 0 and "SWB-" in errors, errors
    assert publication(stage)["name"] == NAME, "what cannot be withdrawn is not removed"
    before = provider.zone()
    assert swing(stage, "publication", "remove", "shop", NAME, "--withdraw") == (0, {"withdrawn": True})
    assert provider.zone() == before - marks(before), "the mark and nothing else"
    assert provider.answers() == [stage.address[site]], "the name has users"
    status, errors = swing(stage, "publication", "remove", "shop", NAME, "--withdraw")
    assert status != 0 and "SWB-NOT-FOUND" in errors, errors
    stage.await_ready()
    stage.done({"run": stage.switch()})
    assert stage.resolve() == [stage.address[stage.other(site)]]
    assert provider.zone() == before - marks(before), "it follows no more"


def main():
    clock = Clock()
    with Provider() as provider, Stage() as stage:
        stage.build()
        publish(stage, provider)
        stage.await_ready()
        clock.say("published")
        with Writers(stage) as writers:
            usual_ms = follows(stage, provider)
            clock.say(f"follows; writes were away for {usual_ms} ms")
            stage.await_ready()
            stands_still(stage, provider, writers, usual_ms)
            clock.say("a provider that stands still")
            stage.assert_legal()
            writers.assert_nothing_lost()
        removed(stage, provider)
        clock.say("removed, and withdrawn")


if __name__ == "__main__":
    main()
