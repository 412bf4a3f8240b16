#!/usr/bin/python3
"""Abort of a switch: before the maintenance, at every moment up to the promotion, in the middle of the promotion, and
after the point of no return. Whatever wins, the end is legal and no acknowledged write is lost (I2, I3, I4)."""
from steering import Clock, order, refused, run_of, step_of, switch_paused
from stage import ApiError, Stage, describe, wait_for
from writers import Writers

BUDGET_MS = 10_000


def writers_go_on(writers):
    seen = len(writers.acknowledged)
    wait_for("writes go on", 5, lambda: len(writers.acknowledged) > seen + 20)


def abort_before_maintenance(stage, writers):
    before = stage.current()
    run = switch_paused(stage)
    assert stage.front(before) == (200, None)
    writers_go_on(writers)
    order(stage, run, "abort", reason="not today")
    run = stage.wait_run(run)
    assert run["state"] == "aborted", describe(run)
    assert "not today" in run["detail"], run["detail"]
    assert step_of(run, "fence")["state"] == "pending" and run["writeOutageMs"] is None, describe(run)
    assert stage.current() == before
    stage.assert_legal()
    refused("SWB-RUN-STATE", order, stage, run, "abort")


def abort_when(stage, writers, step, states):
    """Abort as soon as a step is seen in one of the states. Answers how the run ended."""
    before = stage.current()
    run = stage.switch(reason=f"abort at {step}")

    def reached():
        found = run_of(stage, run)
        return found["state"] in ("done", "failed", "aborted") or step_of(found, step)["state"] in states

    wait_for(f"{step} is {states}", 20, reached, 0.001)
    try:
        order(stage, run, "abort")
        accepted = True
    except ApiError as error:
        assert error.code == "SWB-RUN-STATE", error
        accepted = False
    run = stage.wait_run(run)
    assert run["state"] in ("done", "aborted"), describe(run)
    assert run["state"] == "done" or accepted, describe(run)
    # Backward only without a promotion, forward only with one.
    assert (run["pointOfNoReturnAt"] is None) == (run["state"] == "aborted"), describe(run)
    assert stage.current() == (before if run["state"] == "aborted" else stage.other(before))
    stage.assert_legal()
    writers_go_on(writers)
    writers.assert_nothing_lost()
    stage.await_ready()
    return run["state"]


def abort_after(stage):
    before = stage.current()
    run = stage.switch()
    wait_for("the point of no return", 20, lambda: run_of(stage, run)["pointOfNoReturnAt"], 0.001)
    error = refused("SWB-RUN-STATE", order, stage, run, "abort")
    assert error.status == 409, error
    run = stage.wait_run(run)
    assert run["state"] == "done", describe(run)
    assert stage.current() == stage.other(before)
    stage.assert_legal()


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build(budget_ms=BUDGET_MS)
        clock.say("the stage stands")
        with Writers(stage) as writers:
            abort_before_maintenance(stage, writers)
            writers.assert_nothing_lost()
            clock.say("aborted before the maintenance: as before")
            stage.await_ready()
            ends = {}
            for step, states in (("maintenance-on", ("running",)), ("maintenance-on", ("done",)), ("fence", ("running",)),
                                 ("fence", ("done",)), ("promote", ("running",)), ("promote", ("done",))):
                ends[step, states[0]] = abort_when(stage, writers, step, states)
                clock.say(f"abort when {step} was {states[0]}: {ends[step, states[0]]}")
            # Where the abort comes well before the promotion, it must win.
            assert ends["maintenance-on", "running"] == "aborted", ends
            abort_after(stage)
            clock.say("refused after the point of no return")
        writers.assert_nothing_lost()
        gap = writers.longest_gap() * 1000
        assert gap <= BUDGET_MS + 1000, f"writes were away for {gap:.0f} ms"
        clock.say(f"{len(writers.acknowledged)} acknowledged writes, none lost; longest gap {gap:.0f} ms")


if __name__ == "__main__":
    main()
