"""kill -9 of an agent in every verb of a switch of three engines: after its ledger says started, after the act, after the
record. It is started again as a service manager does; every run ends, forward or back, with all three at one site and no
human step, nothing acknowledged is lost or there twice, and the next switch goes through: it is the next kill's."""
import time
import unittest

import world

VERBS = (("old", "database.prepare-switch"), ("old", "maintenance.on"), ("old", "database.fence"),
         ("old", "database.rejoin"), ("old", "application.deactivate"), ("old", "database.end-switch"),
         ("new", "database.prepare-switch"), ("new", "database.take-over"), ("new", "application.activate"),
         ("new", "maintenance.off"), ("new", "database.prepare-source"), ("new", "database.end-switch"))
MOMENTS = ("started", "acted", "recorded")


class AgentDies(world.Scenario):
    lab_arguments = ("--engines", "postgresql,mariadb,redis")

    def die_at(self, side, point):
        lab, before = self.lab, self.lab.current()
        site = before if side == "old" else lab.standby_of(before)
        agent = "agent-" + lab.site(site)["server"]["name"]
        marker = lab.set_fault(agent, point)
        lab.wait_ready()
        run = lab.start_switch()
        ended = lab.finished_run(run.get("run", run)["id"])
        self.assertTrue(lab.fault_was_hit(marker), f"{point} was never passed at {site}")
        self.assertIn(ended["state"], ("done", "failed"))
        # Failed means rolled back: then the old site is current again, as if nothing had been asked.
        after = lab.standby_of(before) if ended["state"] == "done" else before
        self.assertEqual(self.assert_legal(), after, ended)
        lab.set_environment(agent, {})
        return ended

    def test_in_every_verb(self):
        began = time.monotonic()
        with self.lab.load(rate=100) as load:
            for side, verb in VERBS:
                for moment in MOMENTS:
                    with self.subTest(side=side, verb=verb, moment=moment):
                        run = self.die_at(side, f"verb.{verb}.{moment}")
                        print(f"{time.monotonic() - began:6.1f} s  {side} {verb}.{moment}: {run['state']}, outage "
                              f"{run['writeOutageMs']} ms", flush=True)
            self.lab.wait_ready()
            self.assertEqual(self.lab.switch()["state"], "done")
        self.assert_legal()
        self.assert_clean(load)


if __name__ == "__main__":
    unittest.main()
