"""Three databases as one (I9): one of them cannot take over, and all are back at the old site within the budget."""

import contextlib
import os
import signal
import unittest

import world

ALL = ["postgresql", "mariadb", "redis"]
BUDGET_MS = 2500
# As in budget_test.py: what a client sees besides the outage, and three kinds of servers that share two processors.
ALLOWANCE_MS = 400


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


@contextlib.contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Failures(world.Scenario):
    lab_arguments = ("--engines", ",".join(ALL))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.run("group", "update", world.GROUP, "--outage-budget", str(BUDGET_MS))

    def receiving(self, site, engine):
        """The process without which that replica gets nothing more."""
        pid = self.lab.site(site)[engine]["pid"]
        if engine != "postgresql":
            return pid
        for child in children(pid):
            with open(f"/proc/{child}/cmdline", "rb") as file:
                if b"walreceiver" in file.read():
                    return child
        raise AssertionError("no walreceiver")

    def step(self, run, name):
        return next(step for step in self.lab.run("run", "show", run)["steps"] if step["name"] == name)

    def switch_paused(self):
        """A switch that is paused before anything has been taken away. One that was quicker than the word to pause goes
        through, and the next one is tried."""
        for _ in range(10):
            self.lab.wait_ready()
            run = self.lab.start_switch()
            run = run.get("run", run)["id"]
            world.wait_for(lambda: self.step(run, "catch-up")["state"] != "pending", pause=0.002, what="the catch-up begins")
            self.lab.run("run", "pause", run, allow_failure=True)
            world.wait_for(lambda: self.lab.run("run", "show", run)["state"] in ("paused", "done"), what="a paused run")
            if self.step(run, "maintenance-on")["state"] == "pending":
                return run
            self.lab.run("run", "resume", run, allow_failure=True)
            self.assertEqual(self.lab.finished_run(run)["state"], "done")
        raise AssertionError("no switch was paused in time")

    def test_one_that_refuses_keeps_all_at_the_old_site(self):
        for engine in ALL:
            with self.subTest(engine=engine):
                with self.lab.load() as load:
                    run = self.switch_paused()
                    before = self.lab.current()
                    self.lab.refresh()
                    with frozen(self.receiving(self.lab.standby_of(before), engine)):
                        self.lab.run("run", "resume", run)
                        # Users are back before the one that stands still is: its own settings are put back later.
                        world.wait_for(lambda: self.step(run, "maintenance-on")["state"] == "undone", 20,
                                       "writes are given back", pause=0.05)
                    ended = self.lab.finished_run(run)
                    self.assertEqual(ended["state"], "failed", ended)
                    self.assertIsNone(ended["pointOfNoReturnAt"])
                    self.assertEqual(self.assert_legal(), before)
                self.assert_clean(load)
                self.assertLessEqual(load.score["longestGapMs"], BUDGET_MS + 1000 + ALLOWANCE_MS, load.score["gaps"])
                # The next one goes through.
                self.lab.wait_ready()
                self.assertEqual(self.lab.switch()["state"], "done")
                self.assertEqual(self.assert_legal(), self.lab.standby_of(before))


if __name__ == "__main__":
    unittest.main()
