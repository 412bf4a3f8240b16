"""The controller and its secondaries as an administrator sees them: `swing zone show`, a catalog, keys that come later.

A real controller without agents, our own node and Knot as its secondaries, on 127.0.0.1.
"""
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from dns_peers import HOST, end, free_port, program, work_directory, write  # noqa: E402
from dns_secondaries import (ALGORITHM, KEY, OURS, Secondary, Settings, binary, new_secret, until,  # noqa: E402
                             write_key_file)
from dns_wire import SOA, Response, ask_udp, query  # noqa: E402

ZONE, FURTHER, CATALOG = "fo.example", "shop.example", "catalog.example"


class Controller:
    """swingd in a directory of its own, with these secondaries in its settings."""

    def __init__(self, test, kinds):
        context = work_directory()
        self.directory = context.__enter__()
        test.addCleanup(context.__exit__, None, None, None)
        self.secret, self.port, api = new_secret(), free_port(), free_port()
        self.data, self.process = f"{self.directory}/c", None
        subprocess.run([binary("swingd"), "init", "--data", self.data, "--zone", ZONE, "--listen", f"{HOST}:{api}",
                        "--dns-listen", f"{HOST}:{self.port}", "--name", HOST], check=True, stdout=subprocess.DEVNULL,
                       timeout=30)
        self.swing_argv = [binary("swing"), "--url", f"https://{HOST}:{api}", "--ca", f"{self.data}/ca.pem", "--token",
                           f"@{self.data}/admin.token", "--json"]
        settings = Settings(ZONE, self.port, self.secret)
        self.secondaries = {kind: Secondary(kind, settings, free_port()) for kind in kinds}
        test.addCleanup(self.stop)
        with open(f"{self.data}/swingd.yaml") as file:
            text = file.read()
        notified = "".join(f"      - {{address: \"{HOST}:{secondary.port}\", key: {KEY}}}\n"
                           for secondary in self.secondaries.values())
        self.settings = text + f"""  nsid: controller
  rate_limit: 0
  secondaries:
    key_files: ["{self.directory}/xfer.key"]
    allow_transfer: [{{key: {KEY}}}]
    notify_name_servers: false
    catalog: {CATALOG}
    also_notify:
{notified}"""

    def start(self, zones=()):
        further = f"  further_zones: [{', '.join(zones)}]\n" if zones else ""
        write(f"{self.data}/swingd.yaml", self.settings + further)
        ready = f"{self.directory}/ready"
        with open(f"{self.directory}/log", "a") as log:
            self.process = subprocess.Popen([binary("swingd"), "run", "--data", self.data, "--ready-file", ready],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not until(lambda: os.path.exists(ready), 20):
            raise AssertionError(f"the controller does not start:\n{self.log()}")
        os.remove(ready)

    def halt(self):
        if self.process:
            end(self.process)
            self.process = None

    def stop(self):
        self.halt()
        for secondary in self.secondaries.values():
            secondary.stop()
            shutil.rmtree(secondary.directory, ignore_errors=True)

    def log(self):
        with open(f"{self.directory}/log") as file:
            return file.read()

    def swing(self, *arguments):
        done = subprocess.run([*self.swing_argv, *arguments], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise AssertionError(f"swing {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout)

    def standing(self, kind):
        """What `swing zone show` says of this secondary."""
        address = f"{HOST}:{self.secondaries[kind].port}"
        return next(entry for entry in self.swing("zone", "show", ZONE)["secondaries"] if entry["address"] == address)

    def catalog(self):
        listed = subprocess.run([program("dig"), f"@{HOST}", "-p", str(self.port), "+tries=1", "+time=5", "-y",
                                 f"{ALGORITHM}:{KEY}:{self.secret}", CATALOG, "AXFR"],
                                capture_output=True, text=True, timeout=30).stdout
        records = [line.split() for line in listed.splitlines()]
        return sorted(words[4] for words in records if len(words) == 5 and words[3] == "PTR")


class ControllerSecondariesTest(unittest.TestCase):
    def test_each_is_shown_with_its_standing(self):
        controller = Controller(self, [OURS, "knot"])
        write_key_file(controller.directory, controller.secret)
        for secondary in controller.secondaries.values():
            secondary.start()
        controller.start()
        for kind in controller.secondaries:
            self.assertTrue(until(lambda: controller.standing(kind)["standing"] == "in sync", 60, 0.2),
                            f"{controller.standing(kind)}\n{controller.log()[-3000:]}")
        self.assertEqual(controller.standing("knot")["lastError"], None)
        controller.secondaries["knot"].stop()
        serial = controller.swing("record", "set", ZONE, "note", "TXT", "hello")["serial"]
        self.assertTrue(until(lambda: controller.standing("knot")["standing"] == "silent", 20, 0.2))
        self.assertLess(controller.standing("knot")["serial"], serial)
        self.assertTrue(until(lambda: controller.standing(OURS)["serial"] == serial, 20, 0.2))
        people = subprocess.run([*controller.swing_argv[:-1], "zone", "show", ZONE], capture_output=True, text=True,
                                timeout=30).stdout
        self.assertRegex(people, rf"serial {serial} at its secondaries:\nSECONDARY +STANDING")
        self.assertRegex(people, rf"{HOST}:{controller.secondaries['knot'].port} +silent")
        controller.secondaries["knot"].start()
        self.assertTrue(until(lambda: controller.standing("knot")["standing"] == "in sync", 60, 0.2),
                        controller.standing("knot"))

    def test_without_its_keys_it_answers_and_waits_for_them(self):
        controller = Controller(self, [OURS])
        node = controller.secondaries[OURS]
        node.start()
        controller.start()
        self.assertIn("keys are missing", controller.log())
        self.assertEqual(Response(ask_udp((HOST, controller.port), query(ZONE, SOA))).rcode, 0)
        self.assertEqual(controller.swing("zone", "show", ZONE)["secondaries"], [], "nobody is told without the key")
        self.assertIsNone(node.answer(ZONE, SOA))
        write_key_file(controller.directory, controller.secret)
        self.assertTrue(until(lambda: controller.swing("zone", "show", ZONE)["secondaries"], 20, 0.2))
        self.assertTrue(until(lambda: controller.standing(OURS)["standing"] == "in sync", 20, 0.2),
                        f"{controller.standing(OURS)}\n{node.log()}")

    def test_the_catalog_follows_the_settings(self):
        controller = Controller(self, [])
        write_key_file(controller.directory, controller.secret)
        controller.settings = controller.settings.replace("    also_notify:\n", "")
        for zones in ([], [FURTHER], []):
            controller.start(zones)
            self.assertEqual(controller.catalog(), sorted(f"{zone}." for zone in [ZONE, *zones]))
            controller.halt()


if __name__ == "__main__":
    unittest.main()
