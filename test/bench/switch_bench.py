#!/usr/bin/python3
"""Planned switches of live databases under load: every competitor, one client, one machine, one run.

  /usr/bin/python3 switch_bench.py --client build/bench/bin/swb_gap_client --swing build/bench/bin/swing
                                   [--competitors script,patroni,…] [--rounds N] [--writers 4] [--json FILE]

For each competitor in turn: start it, let the writers run, switch in alternating directions with some steady load before
each switch, and read the table at the end. Measured from outside, alike for all:

  gap      last acknowledged write of any writer before, until the first one after
  rejoin   from that first write until the new primary sees the old one streaming
  command  run time of the competitor's own switch command
  copies   whole copies that a Redis had to give in these switches

With several databases a write counts when each of them has it.
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

sys.dont_write_bytecode = True  # no __pycache__ in the checkout

import bench_support as support
from bench_support import now_ms
from competitors.mariadb_script import MariadbScript
from competitors.patroni import Patroni
from competitors.redis_failover import RedisFailover
from competitors.script import Script
from competitors.swingbridge import Swingbridge, SwingbridgeAll, SwingbridgeMariadb, SwingbridgeRedis

COMPETITORS = {kind.name: kind for kind in (Swingbridge, Script, Patroni, SwingbridgeMariadb, MariadbScript, SwingbridgeRedis,
                                            RedisFailover, SwingbridgeAll)}
DEFAULT_ROUNDS = {"swingbridge": 100, "script": 20, "patroni": 10, "mariadb-script": 20, "redis-failover": 20}
ROUNDS = 30  # of the others
# DESIGN.md section 9: medians and maxima in ms. All three engines together: the slowest one's median and so much more.
REACH = {"swingbridge": (150, 400), "swingbridge-mariadb": (50, None), "swingbridge-redis": (20, None)}
ALL_MORE_MS = 50
REJOIN_SECONDS = 60
STREAMING_SECONDS = 10
SETTLE_SECONDS = 0.5


class RejoinWatch(threading.Thread):
    """Sees from outside when the site that had the replicas before has those of the other one, for every engine."""

    def __init__(self, observers):
        super().__init__(daemon=True)
        self.observers = dict(observers)
        self.ended = threading.Event()
        self.streaming_at = None
        self.before = self._wait_for_streaming(STREAMING_SECONDS)
        self._close(self.before)

    def run(self):
        new = next(name for name in self.observers if name != self.before)
        while not self.ended.is_set():
            if self._sees_streaming(new):
                self.streaming_at = now_ms()
                return
            time.sleep(0.02)

    def finish(self, seconds):
        self.join(seconds)
        self.ended.set()
        self.join()
        for name in self.observers:
            self._close(name)
        return self.streaming_at

    def _wait_for_streaming(self, seconds):
        """The site that sees the other one follow; a replica may reconnect between two switches, on a busy machine."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for name in self.observers:
                if self._sees_streaming(name):
                    return name
            time.sleep(0.05)
        raise RuntimeError(f"no server saw a streaming replica within {seconds} s before the switch")

    def _sees_streaming(self, name):
        return all(observer.sees_streaming() for observer in self.observers[name])

    def _close(self, name):
        for observer in self.observers[name]:
            observer.close()


def measure(kind, options, directory):
    """All rounds of one competitor; returns its part of the report."""
    rounds = options.rounds or DEFAULT_ROUNDS.get(kind.name, ROUNDS)
    with contextlib.ExitStack() as stack:
        competitor = kind(directory, options)
        stack.callback(competitor.stop)
        competitor.start()
        client = support.GapClient(os.path.abspath(options.client), directory, competitor.targets(), options.writers)
        stack.callback(client.stop)
        client.start()
        switches, copies = [], competitor.full_copies()
        for number in range(rounds):
            time.sleep(options.steady)
            switches.append(one_switch(competitor, client))
            progress(f"{kind.name}: {number + 1}/{rounds}")
        progress("")
        time.sleep(SETTLE_SECONDS)
        copies = competitor.full_copies() - copies
        report, windows, scores = client.finish()
    for switch, window in zip(switches, windows):
        switch["gapMs"], switch["worstWriterGapMs"] = window["gapMs"], window["worstWriterGapMs"]
        switch["rejoinMs"] = max(0.0, switch.pop("streamingAt") - window["gapEndMs"])
        switch["closed"] = window["closed"]
    return {"competitor": kind.name, "switches": switches, "client": report, "scores": scores,
            "summary": summarise(switches, scores, copies)}


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


def summarise(switches, scores, copies):
    def figures(key):
        values = [switch[key] for switch in switches]
        return {"min": min(values), "median": statistics.median(values), "p99": support.percentile(values, 0.99),
                "max": max(values)}
    return {"switches": len(switches), "gapMs": figures("gapMs"), "rejoinMs": figures("rejoinMs"),
            "commandMs": figures("commandMs"), "lost": sum(score["lost"] for score in scores.values()),
            "doubled": sum(score["doubled"] for score in scores.values()), "copies": copies,
            "acknowledged": max(score["acknowledged"] for score in scores.values())}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def table(reports):
    header = (f"{'':19} {'':>8}  {'write gap, ms':^31}  {'':>5} {'':>7} {'':>6}  {'rejoin, ms':^15}  {'command, ms':^15}\n"
              f"{'competitor':19} {'switches':>8}  {'min':>7} {'median':>7} {'p99':>7} {'max':>7}  {'lost':>5} "
              f"{'doubled':>7} {'copies':>6}  {'median':>7} {'max':>7}  {'median':>7} {'max':>7}")
    lines = [header]
    for report in reports:
        own = report["summary"]
        gap, rejoin, command = own["gapMs"], own["rejoinMs"], own["commandMs"]
        lines.append(f"{report['competitor']:19} {own['switches']:8}  {gap['min']:7.0f} {gap['median']:7.0f} "
                     f"{gap['p99']:7.0f} {gap['max']:7.0f}  {own['lost']:5} {own['doubled']:7} {own['copies']:6}  "
                     f"{rejoin['median']:7.0f} {rejoin['max']:7.0f}  {command['median']:7.0f} {command['max']:7.0f}")
    return "\n".join(lines)


def machine():
    def first_line(*argv):
        with contextlib.suppress(OSError, IndexError):
            return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()[0]
        return None
    return {"cores": os.cpu_count(), "kernel": os.uname().release, "loadAverage": os.getloadavg(),
            "postgresql": first_line(f"{support.PG_BIN}/postgres", "--version"),
            "mariadb": first_line("/usr/sbin/mariadbd", "--version"), "redis": first_line("redis-server", "--version"),
            "patroni": first_line("patroni", "--version"), "etcd": first_line("etcd", "--version")}


def verdict(reports):
    """Whether Swingbridge reached its numbers; the others are only shown."""
    own = {report["competitor"]: report["summary"] for report in reports if report["competitor"].startswith("swingbridge")}
    reach = dict(REACH)
    alone = [own[name]["gapMs"]["median"] for name in REACH if name in own]
    if len(alone) == len(REACH):
        reach["swingbridge-all"] = (max(alone) + ALL_MORE_MS, None)
    for name, summary in own.items():
        if name not in reach:
            continue
        median, longest = reach[name]
        reached = (summary["gapMs"]["median"] <= median and (longest is None or summary["gapMs"]["max"] <= longest)
                   and not summary["lost"] and not summary["doubled"] and not summary["copies"])
        print(f"{name}: median <= {median:.0f} ms" + (f", max <= {longest} ms" if longest else "")
              + ", nothing lost, doubled or copied whole: " + ("reached" if reached else "NOT reached"))
    return not any(summary["lost"] or summary["doubled"] for summary in own.values())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True, help="the program swb_gap_client")
    parser.add_argument("--swing", default="swing", help="the program swing, for the competitor swingbridge")
    parser.add_argument("--competitors", default=",".join(COMPETITORS))
    parser.add_argument("--rounds", type=int, help="switches of each; default " + ", ".join(
        f"{name} {rounds}" for name, rounds in DEFAULT_ROUNDS.items()) + f", the others {ROUNDS}")
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
