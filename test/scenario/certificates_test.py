"""Certificates between the sites are renewed by a run: nothing is restarted, every link streams on, a kill in the middle
is finished, and a switch goes through afterwards."""

import unittest

import world

ENGINES = ("postgresql", "mariadb", "redis")


class Renewal(world.Scenario):
    lab_arguments = ("--engines", ",".join(ENGINES))

    def pids(self):
        return {(site["name"], engine): site[engine]["pid"] for site in self.lab.refresh()["sites"]
                for engine in ENGINES}

    def renew(self, *options):
        current = self.lab.current()
        return self.lab.run("replication", "renew", "--from", f"shop-{current}", "--to",
                            f"shop-{self.lab.standby_of(current)}", *options)

    def assert_streaming(self):
        def all_stream():
            links = self.lab.swing("replication", "status")["links"]
            return len(links) == len(ENGINES) and all(link["state"] == "streaming" for link in links)
        world.wait_for(all_stream, 30, "every link streams", pause=0.3)

    def test_1_nothing_is_restarted_and_everything_streams(self):
        before = self.pids()
        with self.lab.load() as load:
            run = self.renew("--wait")
            self.assertEqual((run["state"], run["kind"]), ("done", "renew-certificates"))
            self.assert_streaming()
        self.assert_clean(load)
        self.assertEqual(self.pids(), before)
        names = {check["name"] for check in self.lab.check()["checks"] if check["verdict"] == "ok"}
        self.assertIn("certificate-valid", names)

    def test_2_killed_in_the_middle_it_is_finished(self):
        agent = "agent-" + self.lab.site(self.lab.current())["server"]["name"]
        for program, point in ((agent, "verb.database.install-certificates.started"),
                               (agent, "verb.database.install-certificates.acted"),
                               ("swingd", "run.install-certificates.sent"),
                               ("swingd", "run.sign-certificates.acted")):
            with self.subTest(program=program, point=point):
                marker = self.lab.set_fault(program, point)
                answer = self.renew("--no-wait")
                run = self.lab.finished_run(answer.get("run", answer)["id"], timeout=60)
                self.assertTrue(self.lab.fault_was_hit(marker), point)
                self.lab.set_environment(program, {})
                self.lab.wait_connected()
                if run["state"] != "done":
                    self.assertEqual(self.renew("--wait")["state"], "done", run)
                self.assert_streaming()

    def test_3_a_switch_goes_through(self):
        self.lab.wait_ready()
        self.assertEqual(self.lab.switch()["state"], "done")
        self.assert_legal()


if __name__ == "__main__":
    unittest.main(verbosity=2)
