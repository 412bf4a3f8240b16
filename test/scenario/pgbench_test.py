"""pgbench, PostgreSQL's own load, across switches: TPC-B's transfers with a row more that says which transaction it was. Its
transaction log has one line for each that was acknowledged; all of them, and the transfers they made, are at the new site
afterwards, each once."""
import collections
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

import psycopg2
import psycopg2.extensions

import world

PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
SWITCHES = 6
TRANSACTIONS_MIN = 200  # between two switches
CLIENTS = 4

# :n is each client's own; it says the same as the number that the log has for the transaction. No constraint keeps a
# transaction from being there twice: it must be able to show.
SCRIPT = """\\set aid random(1, 100000 * :scale)
\\set bid random(1, 1 * :scale)
\\set tid random(1, 10 * :scale)
\\set delta random(-5000, 5000)
\\set n :n + 1
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
INSERT INTO transfers (series, client, number) VALUES (:series, :client_id, :n);
END;
"""


class Pgbench:
    """Series after series until the block ends: a pgbench ends when its sessions do, the next finds who takes writes."""

    def __init__(self, parameters, directory):
        self.environment = {**os.environ, "PGPASSWORD": parameters.pop("password")}
        self.conninfo = psycopg2.extensions.make_dsn(**parameters, target_session_attrs="read-write", connect_timeout=2)
        self.directory = pathlib.Path(directory)
        self.script = self.directory / "transfer.sql"
        self.script.write_text(SCRIPT)
        self.series, self.process, self.ending, self.ends = 0, None, False, []
        self.thread = threading.Thread(target=self._repeat, daemon=True)

    def initialise(self):
        subprocess.run([PGBENCH, "-i", "-q", "-s", "2", self.conninfo], env=self.environment, check=True, timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        while self.thread.is_alive():
            process = self.process
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGALRM)  # what its own timer says: it ends, and writes its log to the end
            self.thread.join(0.2)

    def _repeat(self):
        while not self.ending:
            self.series += 1
            self.process = subprocess.Popen(
                [PGBENCH, "-n", "-c", str(CLIENTS), "-j", "2", "-T", "3600", "-f", str(self.script), "-D", "n=0", "-D", "scale=2",
                 "-D", f"series={self.series}", "--log", f"--log-prefix={self.directory}/series-{self.series}", self.conninfo],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.ends.append(self.process.communicate()[1])

    def acknowledged(self):
        """Series, client and number of every transaction whose COMMIT was answered."""
        found = set()
        for path in self.directory.glob("series-*"):
            series = int(path.name.split("-")[1].split(".")[0])
            for line in path.read_text().splitlines():
                client, number, latency = line.split()[:3]
                if latency == "failed":
                    raise AssertionError(f"{path.name}: {line}")
                found.add((series, int(client), int(number)))
        return found


class Switched(world.Scenario):
    lab_arguments = ("--engines", "postgresql")

    def parameters(self):
        """Of libpq, with the hosts of both sites."""
        parts = [psycopg2.extensions.parse_dsn(site["postgresql"]["dsn"]) for site in self.lab.status["sites"]]
        return {**parts[0], "host": ",".join(part["host"] for part in parts), "port": ",".join(part["port"] for part in parts)}

    def count(self):
        return self.lab.sql(self.lab.current(), "SELECT count(*) FROM transfers")[0][0]

    def more_transactions(self):
        before = world.wait_for(self.count, 20, "transactions")
        world.wait_for(lambda: self.count() >= before + TRANSACTIONS_MIN, 30, "more transactions")

    def test_acknowledged_transactions_are_there_once(self):
        self.lab.sql(self.lab.current(), "CREATE TABLE transfers (series integer, client integer, number integer)", admin=False)
        with tempfile.TemporaryDirectory(prefix="swb-pgbench-") as directory:
            bench = Pgbench(self.parameters(), directory)
            bench.initialise()
            outages = []
            with bench:
                for _ in range(SWITCHES):
                    self.more_transactions()
                    to = self.lab.standby_of(self.lab.current())
                    run = self.lab.switch()
                    self.assertEqual(run["state"], "done", run)
                    self.assertEqual(self.assert_legal(), to)
                    outages.append(run["writeOutageMs"])
                    self.lab.wait_ready()
                self.more_transactions()
            acknowledged = bench.acknowledged()
        current = self.lab.current()
        rows = collections.Counter(self.lab.sql(current, "SELECT series, client, number FROM transfers"))
        self.assertEqual(sorted(acknowledged - set(rows)), [], "acknowledged and not there")
        self.assertEqual([row for row, times in rows.items() if times != 1], [], "there more than once")
        self.assertGreaterEqual(len(acknowledged), (SWITCHES + 1) * TRANSACTIONS_MIN)
        # At most one for each client of a series can have been written without its answer.
        unanswered = set(rows) - acknowledged
        self.assertLessEqual(len(unanswered), bench.series * CLIENTS)
        self.assertEqual(len({row[:2] for row in unanswered}), len(unanswered))
        self.assert_transfers_whole(current, len(rows))
        standby = self.lab.standby_of(current)
        world.wait_for(lambda: self.lab.sql(standby, "SELECT count(*) FROM transfers")[0][0] == len(rows), what="the copy")
        self.assert_transfers_whole(standby, len(rows))
        print(f"{len(acknowledged)} transactions acknowledged in {bench.series} series, each there once; {len(unanswered)} more "
              f"without an answer; write outages {outages} ms", flush=True)

    def assert_transfers_whole(self, site, count):
        """What TPC-B promises: every transfer changed an account, a teller and a branch by the same, and is in the history."""
        sums = self.lab.sql(site, "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),"
                                  " (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM pgbench_history)")[0]
        self.assertEqual(len(set(sums)), 1, sums)
        self.assertEqual(self.lab.sql(site, "SELECT count(*) FROM pgbench_history")[0][0], count)


if __name__ == "__main__":
    unittest.main()
