#!/usr/bin/python3
"""The outage budget: when the new site cannot take over in time, writes are back at the old one within the budget + 1 s,
nothing is lost, and the group gets ready again by itself (I3)."""
import signal

from steering import Clock, Frozen, order, process_of, run_of, step_of, switch_paused
from stage import Stage, describe, wait_for
from writers import Writers

BUDGET_MS = 2500
# What a writer sees besides the outage: its connection attempt at the worst moment, a pause of 10 ms between attempts,
# and the scheduling of two processors that the database, two agents and the test share.
ALLOWANCE_MS = 250


class Gap:
    """The longest time without an acknowledged write within the block."""

    def __init__(self, writers):
        self.writers = writers

    def __enter__(self):
        self.first = len(self.writers.times)
        return self

    def __exit__(self, *_):
        times = sorted(self.writers.times[max(0, self.first - 1):])
        self.ms = max((b - a for a, b in zip(times, times[1:])), default=0) * 1000


def rolled_back(stage, run, before, gap):
    assert run["state"] == "failed", describe(run)
    assert run["pointOfNoReturnAt"] is None, describe(run)
    assert stage.current() == before
    assert stage.role(before) == "primary"
    assert BUDGET_MS / 2 < gap.ms <= BUDGET_MS + 1000 + ALLOWANCE_MS, f"writes were away for {gap.ms:.0f} ms: {describe(run)}"


def until_written(writers):
    seen = len(writers.acknowledged)
    wait_for("writes go on", 10, lambda: len(writers.acknowledged) > seen + 20)


def ready_and_switched(stage, writers):
    stage.await_ready()
    before = stage.current()
    run = stage.done({"run": stage.switch()})
    assert stage.current() == stage.other(before), describe(run)
    stage.assert_legal()
    writers.assert_nothing_lost()
    stage.await_ready()


def receiver_stands_still(stage, writers):
    """The replica is there and streams, as far as anyone can see, and never gets the last record. The old primary's stop
    waits for it too: its sender has something to send that nobody takes."""
    before = stage.current()
    with Gap(writers) as gap:
        run = switch_paused(stage)
        with Frozen(process_of(stage, stage.other(before), "walreceiver")):
            order(stage, run, "resume")
            run = stage.wait_run(run)
            until_written(writers)
    rolled_back(stage, run, before, gap)
    writers.assert_nothing_lost()
    ready_and_switched(stage, writers)
    return gap


def replay_stands_still(stage, writers):
    """The replica receives everything and replays nothing: the fence succeeds, the promotion must not."""
    before = stage.current()
    with Gap(writers) as gap:
        run = switch_paused(stage)
        with Frozen(process_of(stage, stage.other(before), "startup")):
            order(stage, run, "resume")
            run = stage.wait_run(run)
            until_written(writers)
    assert step_of(run, "fence")["state"] == "undone" and "SWB-TOKEN-NOT-REACHED" in run["detail"], describe(run)
    rolled_back(stage, run, before, gap)
    writers.assert_nothing_lost()
    ready_and_switched(stage, writers)
    return gap


def new_agent_dies(stage, writers):
    """The new site's agent is killed before the promotion was sent, and nobody starts it again until the run has ended or
    waits for it: the old site must not wait."""
    before = stage.current()
    other = stage.other(before)
    with Gap(writers) as gap:
        run = switch_paused(stage)
        stage.stop(other, signal.SIGKILL)
        order(stage, run, "resume")
        until_written(writers)
        wait_for("the fence is taken back", 20, lambda: step_of(run_of(stage, run), "fence")["state"] == "undone", 0.01)
        until_written(writers)
    found = run_of(stage, run)
    assert found["pointOfNoReturnAt"] is None and stage.role(before) == "primary", describe(found)
    assert stage.front(before) == (200, None), describe(found)
    assert gap.ms <= BUDGET_MS + 1000 + ALLOWANCE_MS, f"writes were away for {gap.ms:.0f} ms: {describe(found)}"
    stage.start(other)
    run = stage.wait_run(run)
    assert run["state"] == "failed", describe(run)
    assert stage.current() == before
    stage.assert_legal()
    ready_and_switched(stage, writers)
    return gap


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build(budget_ms=BUDGET_MS)
        clock.say("the stage stands")
        with Writers(stage) as writers:
            until_written(writers)
            for scenario in (receiver_stands_still, replay_stands_still, new_agent_dies):
                gap = scenario(stage, writers)
                clock.say(f"{scenario.__name__}: writes back after {gap.ms:.0f} ms, budget {BUDGET_MS} ms")
        writers.assert_nothing_lost()


if __name__ == "__main__":
    main()
