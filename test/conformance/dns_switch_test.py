#!/usr/bin/env python3
"""A name switched fifty times a second under load: no query lost, no wrong answer, no old answer after a new one.

Needs SWB_BIN, the directory of swb_dns_server. bench-dns runs the same for a minute, with a load generator beside it.
"""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import dns_peers  # noqa: E402
import dns_switching  # noqa: E402
import dns_zone  # noqa: E402

SECONDS, INTERVAL, ASKERS = 5, 0.02, 4


class Switches(unittest.TestCase):
    def run_with(self, workers):
        with dns_peers.work_directory() as directory:
            zone = dns_zone.write_zone(os.path.join(directory, "zone.db"))
            settings = dns_peers.Settings(dns_zone.ORIGIN, zone, workers)
            with dns_peers.serving(dns_peers.OURS, settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
                found, switches = dns_switching.switch_under_load(server, f"shop.{dns_zone.ORIGIN}", seconds=SECONDS,
                                                                  interval=INTERVAL, askers=ASKERS)
        print(f"{workers} workers: {switches} switches, {found.asked} queries")
        self.assertEqual((found.lost, found.wrong, found.older), (0, 0, 0))
        self.assertGreater(switches, 50)
        self.assertGreater(found.asked, 1000)

    def test_one_worker(self):
        self.run_with(1)

    def test_two_workers(self):
        self.run_with(2)


if __name__ == "__main__":
    unittest.main()
