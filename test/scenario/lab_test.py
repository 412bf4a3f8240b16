"""`swing lab` itself: up, status, load, a switch under load, down, and nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import world


class LabTest(world.Scenario):
    def test_1_status_says_where_everything_is(self):
        status = self.lab.refresh()
        self.assertEqual(status["state"], "up")
        for program in world.PROGRAMS:
            self.assertTrue(os.path.exists(f"/proc/{self.lab.pid(program)}"))
        self.assertEqual([site["name"] for site in status["sites"]], ["fra", "nyc"])
        self.assertEqual([site["postgresql"]["role"] for site in status["sites"]], ["primary", "replica"])
        identifiers = set()
        for site in status["sites"]:
            self.assertTrue(os.path.exists(f"/proc/{site['web']['pid']}"))
            self.assertTrue(os.path.isfile(site["definition"]))
            self.assertEqual(self.lab.sql(site["name"], "SELECT 1"), [(1,)])
            self.assertEqual(self.lab.sql(site["name"], "SELECT current_user", admin=False), [("shop",)])
            identifiers.add(self.lab.sql(site["name"], "SELECT system_identifier FROM pg_control_system()")[0])
        self.assertEqual(len(identifiers), 1, "a replica has its primary's identity")
        self.assertEqual(self.lab.resolve(), [status["sites"][0]["server"]["address"]])
        self.assertEqual(self.lab.check()["verdict"], "ok", self.lab.check())

    def test_2_nothing_of_it_runs_as_root(self):
        for line in world.processes_of(self.lab.directory):
            self.assertNotEqual(os.stat(f"/proc/{line.split()[0]}").st_uid, 0, line)

    def test_3_up_again_says_that_it_runs(self):
        before = self.lab.pid("swingd")
        self.assertEqual(self.lab.run("lab", "up", "--dir", self.lab.directory, connect=False)["state"], "up")
        self.assertEqual(self.lab.pid("swingd"), before)

    def test_4_switch_there_and_back_under_load(self):
        with self.lab.load() as load:
            self.assertEqual(self.lab.switch()["state"], "done")
            self.assertEqual(self.assert_legal(), "nyc")
            self.lab.wait_ready()
            self.assertEqual(self.lab.switch()["state"], "done")
            self.assertEqual(self.assert_legal(), "fra")
        self.assert_clean(load)
        self.assertGreaterEqual(load.score["addressChanges"], 2)
        self.assertEqual({kind: count for kind, count in load.score["errors"].items() if count and kind != "maintenance"}, {},
                         "nobody sees anything but the page")
        self.assertGreater(load.score["acknowledged"], 50)

    def test_5_the_score_sees_lost_and_doubled_orders(self):
        before = self.lab.sql("fra", "SELECT max(id) FROM orders")[0][0]
        with self.lab.load(writers=2, rate=50) as load:
            world.wait_for(lambda: self.lab.sql("fra", "SELECT max(id) FROM orders")[0][0] > before + 20, what="orders")
            self.lab.sql("fra", "DELETE FROM orders WHERE id = (SELECT max(id) - 10 FROM orders)")
            self.lab.sql("fra", "INSERT INTO orders (tag, product, quantity, price_cents, customer, site) "
                         "SELECT tag, product, quantity, price_cents, customer, site FROM orders ORDER BY id DESC LIMIT 1")
        self.assertEqual((load.score["missing"], load.score["doubled"]), (1, 1), load.score)
        self.assertEqual(load.status, 1)

    def test_6_what_dies_is_started_again(self):
        for program in world.PROGRAMS:
            self.lab.wait_restarted(program, self.lab.kill9(program))
        self.lab.wait_connected()
        self.assertEqual(self.assert_legal(), "fra")

    def test_7_a_held_program_stays_down(self):
        self.lab.hold("agent-nyc-1")
        self.lab.kill9("agent-nyc-1")
        world.wait_for(lambda: not self.lab.run("server", "list")["servers"][1]["connected"], what="an agent that is missed")
        self.assertIsNone(self.lab.pid("agent-nyc-1"))
        self.lab.release("agent-nyc-1")
        self.lab.wait_connected()

    def test_8_a_step_says_what_it_waits_for(self):
        """A process that is up and not healthy: `run show` names it while it is waited for, not only when it is given up."""
        gate = os.path.join(self.lab.directory, "open")
        address = self.lab.site("fra")["server"]["address"] + ":3999"
        host, port = address.split(":")
        serve = (f"import os, time, http.server as h\nwhile not os.path.exists({gate!r}): time.sleep(0.05)\n"
                 f"h.ThreadingHTTPServer(({host!r}, {port}), h.SimpleHTTPRequestHandler).serve_forever()")
        definition = {"application": "slow", "site": "fra", "processes": {"web": {
            "server": self.lab.site("fra")["server"]["name"], "directory": self.lab.directory,
            "command": [sys.executable, "-c", serve], "health": f"http://{address}/"}}}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(definition, file)  # JSON is YAML
            file.flush()
            run = self.lab.run("app", "apply", file.name, "--no-wait")["run"]["id"]
        expected = re.compile(rf"process web is not healthy: http://{re.escape(address)}/ does not answer: .*, "
                              r"waited for since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")

        def said():
            steps = self.lab.run("run", "show", run)["steps"]
            return [step["detail"] for step in steps if step["state"] == "running" and expected.fullmatch(step["detail"])]
        world.wait_for(said, 20, "words about the process that is waited for", pause=0.1)
        open(gate, "w", encoding="utf-8").close()
        self.assertEqual(self.lab.finished_run(run)["state"], "done")
        self.lab.run("app", "delete", "slow", "--yes", "--wait")

    def test_9_a_killed_supervisor_leaves_a_lab_that_can_be_removed(self):
        directory = self.lab.directory
        supervisor = self.lab.refresh()["supervisor"]["pid"]
        os.kill(supervisor, signal.SIGKILL)
        world.wait_for(lambda: not os.path.exists(f"/proc/{supervisor}"), what="the supervisor's end")
        status = self.lab.run("lab", "status", "--dir", directory, connect=False, allow_failure=True)
        self.assertEqual(status["state"], "crashed")
        self.assertTrue(world.processes_of(directory), "its servers go on")
        self.lab.run("lab", "down", "--dir", directory, connect=False)
        self.assertEqual(world.processes_of(directory), [])
        self.assertFalse(os.path.exists(directory))


class TwoLabs(unittest.TestCase):
    def test_two_labs_at_once_and_a_long_path(self):
        first = world.Lab()
        self.addCleanup(first.down)
        second = world.Lab()
        second.directory = os.path.join(second.parent, "a-directory-whose-name-is-too-long-for-unix-sockets-" + "x" * 60)
        self.addCleanup(second.down)
        first.up()
        second.up()
        self.assertNotEqual(first.status["url"], second.status["url"])
        sockets = second.site("fra")["postgresql"]["socket"]
        self.assertFalse(sockets.startswith(second.directory))
        self.assertEqual(second.role("fra"), "primary")
        for lab in (first, second):
            directory = lab.directory
            lab.down()
            self.assertEqual(world.processes_of(directory), [])
        self.assertFalse(os.path.exists(os.path.dirname(sockets)))
        self.assertNotEqual(subprocess.run([str(first.programs / "swing"), "lab", "status", "--dir", directory],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode, 0)


if __name__ == "__main__":
    unittest.main()
