"""kill -9 of the controller at every step of a switch of three engines: when the step's order was sent, between act and
record, after the record. Every run ends with all three at one site and no human step, nothing acknowledged is lost or there
twice, and the next switch goes through: it is the next kill's."""
import contextlib
import time
import unittest

import world

STEPS = ("lock", "catch-up", "maintenance-on", "fence", "promote", "activate", "maintenance-off", "publish-address",
         "reverse-link", "rejoin", "settle", "report")
MOMENTS = ("sent", "acted", "recorded")


class ControllerDies(world.Scenario):
    lab_arguments = ("--engines", "postgresql,mariadb,redis")

    def die_at(self, point):
        lab, before = self.lab, self.lab.current()
        marker = lab.set_fault("swingd", point)
        lab.wait_ready()
        # It may die before it answers: the newest run is the one, its plan was stored before its first step.
        with contextlib.suppress(world.CommandFailed):
            lab.start_switch()
        world.wait_for(lambda: lab.fault_was_hit(marker), 30, f"{point} is passed")
        lab.wait_connected()
        ended = lab.finished_run(lab.run("run", "list", "--limit", "1")["runs"][0]["id"])
        self.assertEqual(ended["state"], "done", ended)
        self.assertEqual(self.assert_legal(), lab.standby_of(before))
        return ended

    def test_at_every_step(self):
        began = time.monotonic()
        with self.lab.load(rate=100) as load:
            for step in STEPS:
                for moment in MOMENTS:
                    with self.subTest(step=step, moment=moment):
                        run = self.die_at(f"run.{step}.{moment}")
                        print(f"{time.monotonic() - began:6.1f} s  {step}.{moment}: outage {run['writeOutageMs']} ms", flush=True)
            self.lab.set_environment("swingd", {})
            self.lab.wait_restarted("swingd", self.lab.kill9("swingd"))
            self.lab.wait_connected()
            self.lab.wait_ready()
            self.assertEqual(self.lab.switch()["state"], "done")
        self.assert_legal()
        self.assert_clean(load)


if __name__ == "__main__":
    unittest.main()
