"""Fifty alternating switches of three engines in one group under load: nothing acknowledged is lost or there twice, and no
engine needed more than its link turned round: Redis copies nothing anew, MariaDB finds every position (no error 1236),
PostgreSQL neither rewinds nor is seeded again."""
import os
import pathlib
import statistics
import subprocess
import unittest

import world

SWITCHES = int(os.environ.get("SWB_SWITCHES", "50"))
ALL = ["postgresql", "mariadb", "redis"]


class Fifty(world.Scenario):
    lab_arguments = ("--engines", ",".join(ALL))

    def full_copies(self):
        """How often each Redis has given somebody a whole copy since it was started, and its process."""
        self.lab.refresh()
        found = {}
        for site in ("fra", "nyc"):
            place = self.lab.site(site)["redis"]
            told = subprocess.run(["sh", "-c", place["adminCommand"] + " INFO stats"], stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.DEVNULL, timeout=10, check=True).stdout
            figures = dict(line.split(":") for line in told.split() if ":" in line)
            found[site] = (place["pid"], int(figures["sync_full"]))
        return found

    def data_directories(self):
        """A seed puts another directory in the place of a server's data."""
        return {(site["name"], engine): os.stat(site[engine]["data"]).st_ino
                for site in self.lab.status["sites"] for engine in ALL}

    def said(self, *words):
        """Lines with one of these words in what agents and servers wrote."""
        found = []
        for path in pathlib.Path(self.lab.directory).glob("**/*"):
            if path.suffix in (".log", ".err") and path.is_file():
                found += [f"{path.name}: {line}" for line in path.read_text(errors="replace").splitlines()
                          if any(word in line for word in words)]
        return found

    def redis_said(self, lines=60):
        return "\n".join(f"--- {path}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
                         for path in pathlib.Path(self.lab.directory).glob("*/agent/drivers/redis/*/server.log"))

    def test_fifty_switches(self):
        copies, places = self.full_copies(), self.data_directories()
        outages, refused = [], []
        with self.lab.load(rate=200) as load:
            for number in range(SWITCHES):
                to = self.lab.standby_of(self.lab.current())
                run = self.lab.switch(allow_failure=True)
                if run.get("state") != "done":
                    refused.append((number, run))
                    self.lab.wait_ready()
                    continue
                outages.append(run["writeOutageMs"])
                rejoin = next(step for step in run["steps"] if step["name"] == "rejoin")
                self.assertEqual(rejoin["detail"].count("no rewind"), len(ALL), rejoin)
                self.assertEqual(self.assert_legal(), to)
                if self.full_copies() != copies:
                    self.fail(f"Redis copied everything again in switch {number}, {run['id']}\n{self.redis_said()}")
                self.lab.wait_ready()
        self.assert_clean(load)
        self.assertEqual(refused, [])
        self.assertEqual(self.data_directories(), places)
        self.assertEqual(self.said("error 1236", "Error_code: 1236"), [])
        self.assertEqual(self.said("pg_rewind"), [])
        print(f"{len(outages)} switches; write outage median {statistics.median(outages)} ms, longest {max(outages)} ms; "
              f"{load.score['acknowledged']} orders acknowledged, longest gap {load.score['longestGapMs']} ms", flush=True)


if __name__ == "__main__":
    unittest.main()
