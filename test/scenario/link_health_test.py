"""What the controller says of links: states, lag, alarms and history, for every engine, with real servers."""

import os
import signal
import time
import unittest

import world

ALL = ["postgresql", "mariadb", "redis"]


def family(pid):
    """A server's process and its children."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [pid] + [int(child) for child in file.read().split()]


class LinkHealth(world.Scenario):
    lab_arguments = ("--engines", ",".join(ALL))

    def links(self):
        return {link["engine"]: link for link in self.lab.swing("replication", "status")["links"]}

    def wait_state(self, engine, state, seconds=30):
        world.wait_for(lambda: self.links()[engine]["state"] == state, seconds,
                       f"{engine} is {state}", pause=0.3)

    def history(self, engine):
        link = self.links()[engine]
        return self.lab.swing("replication", "history", "--from", link["from"], "--to", link["to"],
                              "--database", link["database"])["samples"]

    def alarms(self):
        events = self.lab.swing("event", "tail", "--type", "link.alarm")
        return [(event["type"], event["detail"]["alarm"]) for event in events["events"]
                if "alarm" in event["detail"]]

    def test_1_what_is_well_is_exact(self):
        with self.lab.load():
            time.sleep(8)
            links = self.links()
        self.assertEqual(sorted(links), sorted(ALL))
        for engine, link in links.items():
            self.assertEqual(link["state"], "streaming", link)
            self.assertTrue(link["lagExact"], link)
            self.assertLess(link["lagSeconds"], 3, link)
            self.assertGreater(link["writeRate"], 0, link)
            self.assertEqual(link["hint"], "", link)

    def test_2_a_replica_that_stops_is_told_and_so_is_its_return(self):
        standby = self.lab.standby_of(self.lab.current())
        pids = [pid for engine in ALL for pid in family(self.lab.site(standby)[engine]["pid"])]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            for engine in ALL:
                world.wait_for(lambda: self.links()[engine]["state"] not in ("streaming", "behind"), 60,
                               f"{engine} is not called well", pause=0.5)
                link = self.links()[engine]
                self.assertNotEqual(link["lagSeconds"], 0, link)
                self.assertTrue(link["sentence"] and link["hint"], link)
            world.wait_for(lambda: self.alarms().count(("link.alarm.raised", "broken")) >= len(ALL), 40,
                           "an alarm for each", pause=0.5)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        for engine in ALL:
            self.wait_state(engine, "streaming", 90)
        world.wait_for(lambda: self.alarms().count(("link.alarm.ended", "broken")) >= len(ALL), 40,
                       "every alarm ends", pause=0.5)

    def test_3_history_outlives_the_controller_and_a_switch(self):
        before = {engine: len(self.history(engine)) for engine in ALL}
        for engine, count in before.items():
            self.assertGreater(count, 5, engine)
        self.assertTrue(any(sample["state"] != "streaming" for sample in self.history("redis")))
        # What is newer than a minute may go with it.
        time.sleep(61)
        pid = self.lab.pid("swingd")
        self.lab.kill9("swingd")
        self.lab.wait_restarted("swingd", pid)
        self.lab.wait_connected()
        for engine, count in before.items():
            self.assertGreaterEqual(len(self.history(engine)), count - 1, engine)
        self.lab.wait_ready()
        self.lab.switch()
        time.sleep(6)
        for engine in ALL:
            samples = self.history(engine)
            self.assertTrue(samples[0]["reversed"], samples[0])
            self.assertFalse(samples[-1]["reversed"], samples[-1])
        text = self.lab.run("replication", "history", "--from", self.links()["redis"]["from"], "--to",
                            self.links()["redis"]["to"], "--database", self.links()["redis"]["database"])
        self.assertTrue(text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
