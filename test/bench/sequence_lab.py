#!/usr/bin/python3
"""Research tool: what each piece of a planned PostgreSQL switch costs on this machine, and which sequence is best.

A pair of servers under the load of swb_gap_client is switched by hand, round after round in alternating directions. Every
round runs one variant of the sequence (VARIANTS), the variants take turns so that a noisy minute hurts all of them alike.
Stamps, milliseconds:

  close    the logical fence, in variants that have one
  backends SIGINT to the old postmaster until its pg_control says "shutting down": every backend is gone
  shutdown from there until it says "shut down"
  replay   from there until the replica has replayed beyond the shutdown checkpoint's start
  promote  from the promotion request until pg_is_in_recovery() is false
  reach    from there until a client's write was acknowledged
  gap      last acknowledged write of any writer before, until the first one after

  /usr/bin/python3 sequence_lab.py --client build/test/bin/swb_gap_client --rounds 20 [--variants a,b] [--json FILE]
"""
import argparse
import contextlib
import dataclasses
import json
import os
import signal
import statistics
import struct
import sys
import time

sys.dont_write_bytecode = True  # no __pycache__ in the checkout

import bench_support as support
from bench_support import now_ms, query

# DBState in pg_control; 2 is "shut down in recovery".
STATE_SHUT_DOWN, STATE_SHUTTING_DOWN, STATE_IN_PRODUCTION = 1, 3, 6
NEVER = 20_000.0  # no step may take longer


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    retry: str = "10ms"           # wal_retrieve_retry_interval on the replica
    checkpoint: bool = True       # on the primary, right before
    switch_wal: bool = False      # a new WAL segment before the checkpoint: less for the promotion to copy
    logical_fence: bool = False   # ALLOW_CONNECTIONS false and terminate, before the stop
    promote: str = "function"     # or "signal": promote file and SIGUSR1
    watch: str = "sql"            # the promotion's end seen by pg_is_in_recovery() each ms, or "control": pg_control each 2 ms
    priority: str = ""            # raised for "new" (startup, walreceiver), "ends" (and the old checkpointer and walsender)
                                  # or "all" (and every other process of the old primary): all end with the switch
    how: str = "nice"             # or "realtime" (needs root, both)
    reject: bool = False          # hba reject of the application on the replica until it is promoted
    status_interval: str = "10s"  # wal_receiver_status_interval
    restartpoint: bool = False    # CHECKPOINT on the replica too, right before
    auth: str = "scram-sha-256"
    settings: tuple = ()          # further (name, value) for both servers, by reload


VARIANTS = [
    Variant("5s no-checkpoint", retry="5s", checkpoint=False),
    Variant("5s", retry="5s"),
    Variant("100ms no-checkpoint", retry="100ms", checkpoint=False),
    Variant("100ms", retry="100ms"),
    Variant("20ms", retry="20ms"),
    Variant("10ms"),
    Variant("1ms", retry="1ms"),
    Variant("logical-fence", logical_fence=True),
    Variant("signal", promote="signal"),
    Variant("control", watch="control"),
    Variant("switch-wal", switch_wal=True),
    Variant("restartpoint", restartpoint=True),
    Variant("reject", reject=True),
    Variant("trust", auth="trust"),
    Variant("status=1s", status_interval="1s"),
    Variant("flush-after=0", settings=(("checkpoint_flush_after", "0"),)),
    Variant("nice new", priority="new"),
    Variant("nice ends", priority="ends"),
    Variant("nice all", priority="all"),
    Variant("realtime new", priority="new", how="realtime"),
    Variant("realtime ends", priority="ends", how="realtime"),
    Variant("realtime all", priority="all", how="realtime"),
    Variant("realtime all control", priority="all", how="realtime", watch="control"),
    Variant("realtime all control reject", priority="all", how="realtime", watch="control", reject=True),
    Variant("realtime all control switch-wal", priority="all", how="realtime", watch="control", switch_wal=True),
]


def control_state(data):
    """State and latest checkpoint of pg_control: offsets are the same in PostgreSQL 13 to 17."""
    with open(os.path.join(data, "global", "pg_control"), "rb") as file:
        raw = file.read(48)
    return struct.unpack_from("<i", raw, 16)[0], struct.unpack_from("<Q", raw, 32)[0]


def lsn(text):
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def wait_until(condition, pause=0.001, limit=NEVER):
    deadline = now_ms() + limit
    while True:
        value = condition()
        if value:
            return value
        if now_ms() > deadline:
            raise RuntimeError("a step of the sequence did not end")
        time.sleep(pause)


def reload_server(server):
    os.kill(support.postmaster_pid(server.data), signal.SIGHUP)


def set_hba(pair, server, auth):
    """Rewrites pg_hba.conf; the caller reloads. "reject" turns the application away before any password work."""
    pair.app_auth = auth
    pair.write_hba(server)


class Lab:
    def __init__(self, pair, client):
        self.pair, self.client = pair, client
        self.primary, self.replica = pair.a, pair.b

    def prepare(self, variant):
        """Everything that happens before the outage: settings by reload, both servers in the variant's state."""
        for server in (self.primary, self.replica):
            set_hba(self.pair, server, variant.auth)
            extra = "".join(f"{name} = '{value}'\n" for name, value in variant.settings)
            with open(os.path.join(server.data, "postgresql.auto.conf")) as file:
                kept = [line for line in file if line.startswith("primary_")]
            with open(os.path.join(server.data, "postgresql.auto.conf"), "w") as file:
                file.writelines(kept)
                file.write(f"wal_retrieve_retry_interval = '{variant.retry}'\n"
                           f"wal_receiver_status_interval = '{variant.status_interval}'\n{extra}")
            reload_server(server)
        time.sleep(1.0)

    def round(self, variant):
        self.prepare(variant)
        old, new = self.primary, self.replica
        old_session, new_session = old.session(), new.session()
        stamps = {"variant": variant.name}
        old_pid, new_pid = (support.postmaster_pid(server.data) for server in (old, new))
        if variant.switch_wal:
            query(old_session, "SELECT pg_switch_wal()")
        if variant.checkpoint:
            query(old_session, "CHECKPOINT")
        if variant.restartpoint:
            query(new_session, "CHECKPOINT")
        if variant.reject:
            set_hba(self.pair, new, "reject")
            reload_server(new)
        if variant.priority:
            self.raise_priority(variant, old_session, new_session, old_pid)
        start = now_ms()
        if variant.logical_fence:
            self.close_database(old_session)
        fence = now_ms()
        os.kill(old_pid, signal.SIGINT)
        wait_until(lambda: control_state(old.data)[0] in (STATE_SHUTTING_DOWN, STATE_SHUT_DOWN))
        alone = now_ms()
        wait_until(lambda: control_state(old.data)[0] == STATE_SHUT_DOWN)
        down, end = now_ms(), control_state(old.data)[1]
        wait_until(lambda: lsn(query(new_session, "SELECT pg_last_wal_replay_lsn()")[0][0]) > end)
        replayed = now_ms()
        if variant.reject:
            set_hba(self.pair, new, variant.auth)
            reload_server(new)
        if variant.promote == "function":
            query(new_session, "SELECT pg_promote(false)")
        else:
            with open(os.path.join(new.data, "promote"), "w"):
                pass
            os.kill(new_pid, signal.SIGUSR1)
        if variant.watch == "control":
            wait_until(lambda: control_state(new.data)[0] == STATE_IN_PRODUCTION, 0.002)
        wait_until(lambda: not query(new_session, "SELECT pg_is_in_recovery()")[0][0])
        promoted = now_ms()
        if variant.logical_fence:
            query(new_session, f"ALTER DATABASE {support.DATABASE} ALLOW_CONNECTIONS true")
        old_session.close()
        stamps["rejoin"] = self.rejoin(old, new, new_session, old_pid) - promoted
        new_session.close()
        self.primary, self.replica = new, old
        time.sleep(0.7)
        self.client.windows.append((start, now_ms()))
        stamps.update(close=fence - start, backends=alone - fence, shutdown=down - alone, replay=replayed - down, promote=promoted - replayed,
                      promoted=promoted)
        return stamps

    @staticmethod
    def raise_priority(variant, old_session, new_session, old_pid):
        """Of processes that end with the switch, so that nothing has to be put back afterwards.

        Every PostgreSQL process is a session of its own and thereby, on kernels with autogroup scheduling, a scheduling
        group of its own: there only the group's nice value counts, and the process's own where cgroups are used instead.
        """
        kinds = "SELECT pid FROM pg_stat_activity WHERE backend_type = ANY(%s)"
        pids = [pid for (pid,) in query(new_session, kinds, (["startup", "walreceiver"],))]
        if variant.priority == "ends":
            pids += [pid for (pid,) in query(old_session, kinds, (["checkpointer", "walsender"],))]
        elif variant.priority == "all":
            pids += [pid for (pid,) in query(old_session, "SELECT pid FROM pg_stat_activity")] + [old_pid]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if variant.how == "realtime":
                    os.sched_setscheduler(pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
                else:
                    os.setpriority(os.PRIO_PROCESS, pid, -20)
                    with open(f"/proc/{pid}/autogroup", "w") as file:
                        file.write("-20")

    def close_database(self, session):
        query(session, f"ALTER DATABASE {support.DATABASE} ALLOW_CONNECTIONS false")
        empty = 0
        while empty < 2:
            ended = query(session, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                          (support.DATABASE,))
            empty = 0 if ended else empty + 1

    def rejoin(self, old, new, new_session, old_pid):
        """The old primary back as a streaming replica; returns when it was seen streaming."""
        query(new_session, "SELECT pg_create_physical_replication_slot(%s, true)", (old.name,))
        wait_until(lambda: not support.alive(old_pid), 0.005)
        with open(os.path.join(old.data, "standby.signal"), "w"):
            pass
        if os.getuid() == 0:
            support.shutil.chown(os.path.join(old.data, "standby.signal"), support.server_user())
        old.start()
        wait_until(lambda: query(new_session, "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state"
                                              " = 'streaming'", (old.name,)), 0.01)
        seen = now_ms()
        with contextlib.closing(old.session()) as session:
            query(session, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")
        return seen


def summarise(rounds, score):
    for stamps, window in zip(rounds, score["windows"]):
        stamps["gap"] = window["gapMs"]
        stamps["reach"] = window["gapEndMs"] - stamps.pop("promoted")
    names = list(dict.fromkeys(stamps["variant"] for stamps in rounds))
    columns = ("gap", "close", "backends", "shutdown", "replay", "promote", "reach", "rejoin")
    print(f"{'variant':31} {'n':>3} {'gap min':>8} {'median':>8} {'p90':>8} {'max':>8}  "
          + " ".join(f"{column:>8}" for column in columns[1:]) + "   (medians)")
    for name in names:
        own = [stamps for stamps in rounds if stamps["variant"] == name]
        gaps = [stamps["gap"] for stamps in own]
        figures = [min(gaps), statistics.median(gaps), support.percentile(gaps, 0.9), max(gaps)]
        medians = [statistics.median(stamps[column] for stamps in own) for column in columns[1:]]
        print(f"{name:31} {len(own):3} " + " ".join(f"{figure:8.1f}" for figure in figures) + "  "
              + " ".join(f"{figure:8.1f}" for figure in medians))
    print(f"acknowledged {score['acknowledged']}, lost {score['lost']}, doubled {score['doubled']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--variants", help="comma-separated parts of names; default all")
    parser.add_argument("--wal-segment-mb", type=int, default=16)
    parser.add_argument("--json")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    wanted = [variant for variant in VARIANTS if not options.variants
              or any(part == variant.name or (part.endswith("*") and variant.name.startswith(part[:-1]))
                     for part in options.variants.split(","))]
    rounds = []
    with support.work_directory(options.keep) as directory, contextlib.ExitStack() as stack:
        pair = support.ServerPair(directory, wal_segment_mb=options.wal_segment_mb)
        stack.callback(pair.stop)
        pair.start()
        client = support.GapClient(os.path.abspath(options.client), directory, pair.targets(), options.writers)
        stack.callback(client.stop)
        client.start()
        lab = Lab(pair, client)
        for number in range(options.rounds):
            for variant in wanted:
                rounds.append(lab.round(variant))
                print(f"\r{number + 1}/{options.rounds} {variant.name:40}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        report, windows, scores = client.finish()
    score = {**scores["postgresql"], "windows": windows}
    summarise(rounds, score)
    print("client errors:", report["errors"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"rounds": rounds, "client": report, "score": score}, file)


if __name__ == "__main__":
    main()
