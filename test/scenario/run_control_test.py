#!/usr/bin/python3
"""Orders to a run: pause and resume, pause inside the outage, and a step that fails after the point of no return: the run
waits, is tried again, or goes on without it when an operator says why."""
import os
import signal
import time

from steering import Clock, order, refused, run_of, step_of, switch_paused, wait_state
from stage import Stage, describe, wait_for
from writers import Writers


def pause_and_resume(stage, writers):
    before = stage.current()
    run = switch_paused(stage)
    seen = len(writers.acknowledged)
    wait_for("writes go on while it is paused", 5, lambda: len(writers.acknowledged) > seen + 50)
    assert run_of(stage, run)["state"] == "paused"
    assert stage.front(before) == (200, None)
    assert order(stage, run, "pause")["state"] == "paused"  # twice is once
    refused("SWB-RUN-STATE", order, stage, run, "retry")
    refused("SWB-RUN-STATE", order, stage, run, "skip", reason="nothing failed")
    # It survives a restart of the controller, and stays where it is.
    stage.restart("swingd")
    wait_for("the agents are back", 10, lambda: stage.api("GET", "/v1/status")["connected"] == 2)
    assert run_of(stage, run)["state"] == "paused"
    order(stage, run, "resume")
    stage.done({"run": run})
    assert stage.current() == stage.other(before)
    stage.assert_legal()
    for verb in ("pause", "resume", "retry", "skip", "abort"):
        refused("SWB-RUN-STATE", order, stage, run, verb, reason="too late")


def pause_inside_the_outage(stage):
    stage.await_ready()
    before = stage.current()
    run = stage.switch()
    wait_for("the maintenance begins", 20, lambda: step_of(run_of(stage, run), "maintenance-on")["state"] != "pending", 0.001)
    order(stage, run, "pause")
    run = wait_state(stage, run, "paused")
    # Everything that holds users is over, nothing behind it has begun.
    held = [step["state"] for step in run["steps"]][:[s["name"] for s in run["steps"]].index("reverse-link")]
    assert set(held) == {"done"}, describe(run)
    assert step_of(run, "reverse-link")["state"] == "pending", describe(run)
    assert run["writeOutageMs"] is not None and run["writeOutageMs"] < 10_000, describe(run)
    assert stage.current() == stage.other(before)
    assert stage.front(stage.current()) == (200, None)
    order(stage, run, "resume")
    stage.done({"run": run})
    stage.assert_legal()
    return run["writeOutageMs"]


def paused_before_rejoin(stage):
    """A switch that has the outage behind it and the old site's part before it. Answers the old site and the run."""
    stage.await_ready()
    before = stage.current()
    run = stage.switch()
    wait_for("the maintenance begins", 20, lambda: step_of(run_of(stage, run), "maintenance-on")["state"] != "pending", 0.001)
    order(stage, run, "pause")
    return before, wait_state(stage, run, "paused")


def waiting_for_the_old_site(stage):
    """The old site's agent is killed before the rejoin: the run waits for it; users do not."""
    before, run = paused_before_rejoin(stage)
    stage.stop(before, signal.SIGKILL)
    order(stage, run, "resume")
    run = wait_state(stage, run, "waiting")
    assert step_of(run, "rejoin")["state"] == "running", describe(run)
    assert stage.front(stage.other(before)) == (200, None)
    assert stage.resolve() == [stage.address[stage.other(before)]]
    refused("SWB-RUN-STATE", order, stage, run, "abort")
    refused("SWB-GROUP-BUSY", stage.switch)
    return before, run


def agent_comes_back(stage):
    before, run = waiting_for_the_old_site(stage)
    stage.start(before)
    run = stage.done({"run": run})
    assert step_of(run, "rejoin")["state"] == "done", describe(run)
    stage.assert_legal()


def failed_step_is_tried_again(stage):
    """The rejoin fails each time, because the old data directory cannot be written; then the cause is mended."""
    before, run = paused_before_rejoin(stage)
    data = stage.path("pg-" + before)
    os.chmod(data, 0o500)
    try:
        order(stage, run, "resume")
        wait_for("a second attempt", 20, lambda: step_of(run_of(stage, run), "rejoin")["attempts"] >= 2)
        run = wait_state(stage, run, "waiting")
        rejoin = step_of(run, "rejoin")
        assert rejoin["error"]["code"].startswith("SWB-") and rejoin["detail"], describe(run)
        assert stage.front(stage.other(before)) == (200, None)
    finally:
        os.chmod(data, 0o700)
    attempts = rejoin["attempts"]
    order(stage, run, "retry")
    run = stage.done({"run": run})
    assert step_of(run, "rejoin")["attempts"] > attempts, describe(run)
    stage.assert_legal()


def skipped_with_a_reason(stage):
    """The old site does not come back: an operator says so, and the run ends. When it does come back, it is fenced, and
    a copy made anew makes it the standby again."""
    before, run = waiting_for_the_old_site(stage)
    error = refused("SWB-INVALID-INPUT", order, stage, run, "skip")
    assert "reason" in str(error), error
    assert run_of(stage, run)["state"] == "waiting"
    order(stage, run, "skip", reason="the site burnt down")
    run = wait_state(stage, run, "waiting")
    assert step_of(run, "rejoin")["state"] == "skipped", describe(run)
    assert "burnt down" in step_of(run, "rejoin")["detail"], describe(run)
    order(stage, run, "skip", reason="the settings are gone with it")
    run = stage.done({"run": run})
    assert step_of(run, "settle")["state"] == "skipped" and "2 steps skipped" in step_of(run, "report")["detail"], describe(run)
    assert stage.current() == stage.other(before) and stage.group()["busy"] == ""
    stage.start(before)
    wait_for("its agent is back", 10, lambda: stage.api("GET", "/v1/status")["connected"] == 2)
    for _ in range(10):
        assert stage.role(before) != "primary", "the old site came back writable"
        time.sleep(0.2)
    refused("SWB-NOT-READY", stage.switch)
    stage.done(stage.api("POST", "/v1/replication/resync", {"from": "shop-" + stage.current(), "to": "shop-" + before,
                                                            "consent": [f"replace:shop-{before}/main"]}))
    stage.await_ready()
    stage.assert_legal()


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build()
        clock.say("the stage stands")
        with Writers(stage) as writers:
            pause_and_resume(stage, writers)
            clock.say("paused, controller restarted, resumed")
            outage = pause_inside_the_outage(stage)
            clock.say(f"a pause inside the outage waits for its end: {outage} ms")
            for scenario in (agent_comes_back, failed_step_is_tried_again, skipped_with_a_reason):
                scenario(stage)
                writers.assert_nothing_lost()
                clock.say(scenario.__name__)
            stage.done({"run": stage.switch()})
            stage.assert_legal()
        writers.assert_nothing_lost()
        clock.say(f"{len(writers.acknowledged)} acknowledged writes, none lost")


if __name__ == "__main__":
    main()
