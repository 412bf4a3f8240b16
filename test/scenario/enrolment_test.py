#!/usr/bin/python3
"""How agents come to the controller and stay: joining, coming back after its restart, servers that
were deleted; and that no secret shows where it should not."""
import json
import os
import signal
import subprocess
import time

from steering import Clock, refused
from stage import SITES, Stage, wait_for

SECRET = "shop-word"


def connected(stage):
    return {server["name"] for server in stage.api("GET", "/v1/servers")["servers"] if server["connected"]}


def status(stage, site):
    done = stage.run_as_user(f"{stage.bin}/swing-agent", "status", "--json", "--data", stage.path("a-" + site))
    return json.loads(done)


def status_tells(stage):
    seen = status(stage, "fra")
    assert seen["server"] == "fra-1" and seen["running"] and seen["connected"], seen
    assert seen["controller"] == f"https://{stage.net}.1:{stage.api_port}", seen
    assert seen["applications"][0]["guards"].keys() == {"main"}, seen
    again = subprocess.run([f"{stage.bin}/swing-agent", "run", "--data", stage.path("a-fra")], capture_output=True, text=True,
                           env=stage.environment, timeout=10)
    assert again.returncode != 0 and "SWB-" in again.stderr, again  # one agent per directory


def back_after_restart(stage):
    """Agents are back within 3 s of a controller that was killed and started again."""
    worst = 0
    for how in (signal.SIGTERM, signal.SIGKILL):
        stage.restart("swingd", how=how)
        start = time.monotonic()
        wait_for("both agents are back", 10, lambda: connected(stage) >= {"fra-1", "nyc-1"}, 0.01)
        worst = max(worst, time.monotonic() - start)
        assert worst < 3, f"the agents came back after {worst:.1f} s"
    stage.restart("fra", how=signal.SIGKILL)
    wait_for("the agent is back", 3, lambda: status(stage, "fra")["connected"] and "fra-1" in connected(stage), 0.05)
    return f"at most {worst:.2f} s"


def join(stage, server, directory, *more):
    made = stage.api("POST", "/v1/servers/token", {"server": server, "site": "fra"})
    return stage.run_as_user(f"{stage.bin}/swing-agent", "join", "--controller", f"https://{stage.net}.1:{stage.api_port}",
                             "--token", "-", "--ca-pin", made["authorityFingerprint"], "--data", stage.path(directory), *more,
                             text=made["token"])


def deleted_server_stays_out(stage):
    join(stage, "fra-2", "a-two")
    stage.start("two")
    wait_for("it is connected", 10, lambda: "fra-2" in connected(stage))
    stage.api("DELETE", "/v1/servers/fra-2")
    wait_for("it is out", 5, lambda: not status(stage, "two")["connected"])
    # It keeps trying with a certificate that is still valid; the controller no longer knows the server.
    stage.restart("two")
    for _ in range(10):
        assert not status(stage, "two")["connected"] and "fra-2" not in connected(stage)
        time.sleep(0.2)
    assert stage.alive("two")
    refused("SWB-NOT-FOUND", stage.api, "DELETE", "/v1/servers/fra-2")
    # The way back is a new token, into the same directory.
    stage.stop("two")
    join(stage, "fra-2", "a-two", "--force")
    stage.start("two")
    wait_for("it is connected again", 10, lambda: "fra-2" in connected(stage))
    stage.stop("two")
    stage.api("DELETE", "/v1/servers/fra-2")


def secrets_stay_secret(stage):
    """No clear text in logs, in the store, in any document of the API, in argv."""
    tokens = [open(stage.path("c", "admin.token")).read().strip()]
    keys = [line for site in SITES for line in open(stage.path("a-" + site, "identity.pem"))]
    start = next(i for i, line in enumerate(keys) if "PRIVATE KEY" in line)
    words = [SECRET, *tokens, keys[start + 1].strip()]
    stage.api("PUT", "/v1/applications/shop-fra/secrets/POSTGRESQL_PASSWORD", {"value": SECRET})
    looked = 0
    for name in ["swingd.log", "fra.log", "nyc.log", *[os.path.join("c", name) for name in os.listdir(stage.path("c"))]]:
        if name.endswith("admin.token") or not os.path.isfile(stage.path(name)):
            continue
        data = open(stage.path(name), "rb").read()
        looked += len(data)
        for word in words:
            assert word.encode() not in data, f"{name} holds {word[:4]}…"
    for pid in stage.remaining():
        try:
            line = open(f"/proc/{pid}/cmdline", "rb").read().decode(errors="replace")
        except OSError:
            continue
        for word in words:
            assert word not in line, f"process {pid} shows {word[:4]}…: {line[:80]}"
    for path in ("/v1/runs?limit=500", "/v1/events?limit=500", "/v1/applications/shop-fra", "/v1/tokens", "/v1/servers"):
        text = json.dumps(stage.api("GET", path))
        for word in words:
            assert word not in text, f"{path} shows {word[:4]}…"
    for run in stage.api("GET", "/v1/runs?limit=500")["runs"]:
        text = json.dumps(stage.api("GET", "/v1/runs/" + run["id"]))
        assert not any(word in text for word in words), run["id"]
    for root, _, names in os.walk(stage.path("a-fra")):
        for name in names:
            path = os.path.join(root, name)
            if any(word.encode() in open(path, "rb").read() for word in words):
                mode = os.stat(path).st_mode & 0o777
                assert mode == 0o600, f"{path} holds a secret and has mode {mode:o}"
    return f"{looked >> 10} KiB read"


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build()
        clock.say("the stage stands")
        for scenario in (status_tells, back_after_restart, deleted_server_stays_out, secrets_stay_secret):
            found = scenario(stage)
            clock.say(scenario.__name__ + (f": {found}" if found else ""))
        stage.await_ready()
        stage.done({"run": stage.switch()})
        stage.assert_legal()
        clock.say("a switch works")


if __name__ == "__main__":
    main()
