#!/usr/bin/python3
"""Planned switches of a live PostgreSQL under load: every competitor, one client, one machine, one run.

  /usr/bin/python3 switch_bench.py --client build/bench/bin/swb_gap_client --swing build/bench/bin/swing
                                   [--competitors script,patroni,swingbridge] [--rounds N] [--writers 4] [--json FILE]

For each competitor in turn: start it, let the writers run, switch in alternating directions with some steady load before
each switch, and read the table at the end. Measured from outside, alike for all:

  gap      last acknowledged write of any writer before, until the first one after
  rejoin   from that first write until the new primary sees the old one streaming
  command  run time of the competitor's own switch command
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time

import psycopg2

sys.dont_write_bytecode = True  # no __pycache__ in the checkout

import bench_support as support
from bench_support import now_ms, query
from competitors.patroni import Patroni
from competitors.script import Script
from competitors.swingbridge import Swingbridge

COMPETITORS = {kind.name: kind for kind in (Swingbridge, Script, Patroni)}
DEFAULT_ROUNDS = {"swingbridge": 100, "script": 20, "patroni": 10}
REACH = {"median": 150, "max": 400}  # DESIGN.md section 9, for the competitor "swingbridge"
REJOIN_SECONDS = 60
STREAMING_SECONDS = 10
SETTLE_SECONDS = 0.5


class RejoinWatch(threading.Thread):
    """Sees from outside when a server that was the replica before has the other one streaming from it.

    It keeps a session to the replica, which survives the promotion, and opens another when it is lost.
    """

    def __init__(self, observers):
        super().__init__(daemon=True)
        self.openers = dict(observers)
        self.sessions = {}
        self.ended = threading.Event()
        self.streaming_at = None
        self.before = self._wait_for_streaming(STREAMING_SECONDS)
        self.sessions.pop(self.before).close()

    def run(self):
        new = next(name for name in self.openers if name != self.before)
        while not self.ended.is_set():
            if self._sees_streaming(new):
                self.streaming_at = now_ms()
                return
            time.sleep(0.02)

    def finish(self, seconds):
        self.join(seconds)
        self.ended.set()
        self.join()
        for session in self.sessions.values():
            session.close()
        return self.streaming_at

    def _wait_for_streaming(self, seconds):
        """The server that sees the other one streaming; a replica may reconnect between two switches, on a busy machine."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for name in self.openers:
                if self._sees_streaming(name):
                    return name
            time.sleep(0.05)
        raise RuntimeError(f"no server saw a streaming replica within {seconds} s before the switch")

    def _sees_streaming(self, name):
        try:
            if name not in self.sessions:
                self.sessions[name] = self.openers[name]()
            return bool(query(self.sessions[name], "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"
                                                   " AND NOT pg_is_in_recovery()"))
        except psycopg2.Error:
            self.sessions.pop(name, None)
            return False


def measure(kind, options, directory):
    """All rounds of one competitor; returns its part of the report."""
    rounds = options.rounds or DEFAULT_ROUNDS[kind.name]
    with contextlib.ExitStack() as stack:
        competitor = kind(directory, options)
        stack.callback(competitor.stop)
        competitor.start()
        client = support.GapClient(os.path.abspath(options.client), directory, competitor.conninfo(), options.writers)
        stack.callback(client.stop)
        client.start()
        switches = []
        for number in range(rounds):
            time.sleep(options.steady)
            switches.append(one_switch(competitor, client))
            progress(f"{kind.name}: {number + 1}/{rounds}")
        progress("")
        time.sleep(SETTLE_SECONDS)
        report, score = client.finish()
    for switch, window in zip(switches, score["windows"]):
        switch["gapMs"], switch["worstWriterGapMs"] = window["gapMs"], window["worstWriterGapMs"]
        switch["rejoinMs"] = max(0.0, switch.pop("streamingAt") - window["gapEndMs"])
        switch["closed"] = window["closed"]
    return {"competitor": kind.name, "switches": switches, "client": report,
            "score": {key: value for key, value in score.items() if key != "windows"},
            "summary": summarise(switches, score)}


def one_switch(competitor, client):
    watch = RejoinWatch(competitor.observers())
    watch.start()
    started = now_ms()
    try:
        details = competitor.switch()
        ended = now_ms()
        streaming_at = watch.finish(REJOIN_SECONDS)
    finally:
        watch.finish(0)
    if streaming_at is None:
        raise RuntimeError(f"{competitor.name}: the old primary did not stream within {REJOIN_SECONDS} s")
    client.windows.append((started, max(ended, streaming_at)))
    return {"commandMs": ended - started, "streamingAt": streaming_at, **details}


def summarise(switches, score):
    def figures(key):
        values = [switch[key] for switch in switches]
        return {"min": min(values), "median": statistics.median(values), "p99": support.percentile(values, 0.99),
                "max": max(values)}
    return {"switches": len(switches), "gapMs": figures("gapMs"), "rejoinMs": figures("rejoinMs"),
            "commandMs": figures("commandMs"), "lost": score["lost"], "doubled": score["doubled"],
            "acknowledged": score["acknowledged"]}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def table(reports):
    header = (f"{'':12} {'':>8}  {'write gap, ms':^31}  {'':>5} {'':>7}  {'rejoin, ms':^15}  {'command, ms':^15}\n"
              f"{'competitor':12} {'switches':>8}  {'min':>7} {'median':>7} {'p99':>7} {'max':>7}  {'lost':>5} "
              f"{'doubled':>7}  {'median':>7} {'max':>7}  {'median':>7} {'max':>7}")
    lines = [header]
    for report in reports:
        own = report["summary"]
        gap, rejoin, command = own["gapMs"], own["rejoinMs"], own["commandMs"]
        lines.append(f"{report['competitor']:12} {own['switches']:8}  {gap['min']:7.0f} {gap['median']:7.0f} "
                     f"{gap['p99']:7.0f} {gap['max']:7.0f}  {own['lost']:5} {own['doubled']:7}  "
                     f"{rejoin['median']:7.0f} {rejoin['max']:7.0f}  {command['median']:7.0f} {command['max']:7.0f}")
    return "\n".join(lines)


def machine():
    def first_line(*argv):
        with contextlib.suppress(OSError, IndexError):
            return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()[0]
        return None
    return {"cores": os.cpu_count(), "kernel": os.uname().release, "loadAverage": os.getloadavg(),
            "postgresql": first_line(f"{support.PG_BIN}/postgres", "--version"),
            "patroni": first_line("patroni", "--version"), "etcd": first_line("etcd", "--version")}


def verdict(reports):
    """Whether Swingbridge reached its numbers; the others are only shown."""
    own = next((report["summary"] for report in reports if report["competitor"] == "swingbridge"), None)
    if own is None:
        return True
    gap = own["gapMs"]
    reached = gap["median"] <= REACH["median"] and gap["max"] <= REACH["max"]
    print(f"reach: median <= {REACH['median']} ms, max <= {REACH['max']} ms, nothing lost or doubled: "
          + ("reached" if reached and not own["lost"] and not own["doubled"] else "NOT reached"))
    return not own["lost"] and not own["doubled"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, help="the program swb_gap_client")
    parser.add_argument("--swing", default="swing", help="the program swing, for the competitor swingbridge")
    parser.add_argument("--competitors", default=",".join(COMPETITORS))
    parser.add_argument("--rounds", type=int, help="switches of each; default " + ", ".join(
        f"{name} {rounds}" for name, rounds in DEFAULT_ROUNDS.items()))
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--steady", type=float, default=1.5, help="seconds of load before each switch")
    parser.add_argument("--json", help="also write everything measured to this file")
    parser.add_argument("--keep", action="store_true", help="keep the servers' directories and logs")
    options = parser.parse_args()
    unknown = set(options.competitors.split(",")) - set(COMPETITORS)
    if unknown:
        parser.error(f"no such competitor: {', '.join(sorted(unknown))}")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def main():
    options = parse_arguments()
    report = {"machine": machine(), "writers": options.writers, "steadySeconds": options.steady, "results": []}
    for name in options.competitors.split(","):
        with support.work_directory(options.keep) as directory:
            report["results"].append(measure(COMPETITORS[name], options, directory))
        if options.json:
            with open(options.json, "w") as file:
                json.dump(report, file, indent=2)
    print(table(report["results"]))
    return 0 if verdict(report["results"]) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; everything was stopped", file=sys.stderr)
        sys.exit(130)
