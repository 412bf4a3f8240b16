#!/usr/bin/python3
"""A switch as secondaries see it: Knot, NSD, BIND, PowerDNS and our own node follow the controller by TSIG transfers.

After a switch with writes each of them answers the new site with the new epoch; one that is down holds nothing up and
catches up when it is back; no serial and no answer ever goes back, whoever is asked.
"""
import contextlib
import os
import pwd
import shutil
import socket
import sys
import threading
import time

from steering import Clock, step_of
from stage import Stage, describe, wait_for
from writers import Writers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from dns_peers import HOST, free_port  # noqa: E402
from dns_secondaries import ALGORITHM, KEY, KINDS, Secondary, Settings, new_secret  # noqa: E402
from dns_wire import A, SOA, TXT, Response, ask_udp, query  # noqa: E402

ZONE, NAME = "stage.test", "shop.stage.test"
CONTROLLER = "controller"
STOPPED = "knot"
FOLLOW_SECONDS = 30


def record(address, name, kind):
    """The one record's data, or None."""
    raw = ask_udp(address, query(name, kind), 0.5)
    with contextlib.suppress(ValueError):
        answer = Response(raw).answer if raw else []
        return answer[0].data if len(answer) == 1 else None


def serial_of(address):
    data = record(address, ZONE, SOA)
    return int.from_bytes(data[-20:-16], "big") if data else None


def mark_of(address):
    data = record(address, "_swingbridge." + NAME, TXT)
    return data[1:].decode() if data else None


class Watcher(threading.Thread):
    """Asks one name server again and again; keeps what it answered, in order, each with the first time it was seen."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.ending = address, threading.Event()
        self.answers, self.serials = [], []

    def run(self):
        while not self.ending.wait(0.002):
            data, serial = record(self.address, NAME, A), serial_of(self.address)
            if data and (not self.answers or self.answers[-1][0] != data):
                self.answers.append((data, time.monotonic()))
            if serial and (not self.serials or self.serials[-1] != serial):
                self.serials.append(serial)

    def finish(self):
        self.ending.set()
        self.join()


class Followers:
    """The secondaries, and what everybody answers."""

    def __init__(self, stage):
        self.stage, self.secret = stage, new_secret()
        settings = Settings(ZONE, stage.dns_port, self.secret, primary_host=f"{stage.net}.1")
        self.secondaries = {kind: Secondary(kind, settings, free_port()) for kind in KINDS}
        self.addresses = {CONTROLLER: (f"{stage.net}.1", stage.dns_port),
                          **{kind: secondary.address for kind, secondary in self.secondaries.items()}}
        self.watchers = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for watcher in self.watchers.values():
            watcher.finish()
        for name, secondary in self.secondaries.items():
            secondary.stop()
            if kind is not None:
                print(f"==== {name}\n{secondary.log()[-2000:]}")
            shutil.rmtree(secondary.directory, ignore_errors=True)

    def configure(self, text):
        key_file = self.stage.path("xfer.key")
        with open(key_file, "w") as file:
            file.write(f"{ALGORITHM}:{KEY}:{self.secret}\n")
        os.chmod(key_file, 0o600)
        if os.geteuid() == 0:
            os.chown(key_file, pwd.getpwnam("postgres").pw_uid, -1)
        notified = "".join(f'      - {{address: "{HOST}:{secondary.port}", key: {KEY}}}\n'
                           for secondary in self.secondaries.values())
        return text.replace("dns:\n", f"""dns:
  secondaries:
    key_files: [{key_file}]
    allow_transfer: [{{key: {KEY}}}]
    notify_name_servers: false
    also_notify:
{notified}""", 1)

    def start(self):
        for secondary in self.secondaries.values():
            secondary.start()
        self.watchers = {name: Watcher(address) for name, address in self.addresses.items()}
        for watcher in self.watchers.values():
            watcher.start()
        self.settle(self.addresses)

    def settle(self, names):
        """Until all of these have the controller's serial."""
        serials = {}

        def same():
            for name in names:
                serials[name] = serial_of(self.addresses[name])
            return set(serials.values()) == {serial_of(self.addresses[CONTROLLER])}

        try:
            wait_for("all have the controller's serial", FOLLOW_SECONDS, same)
        except AssertionError:
            raise AssertionError(f"not all have the controller's serial: {serials}") from None

    def first_seen(self, name, site, since):
        data = socket.inet_aton(self.stage.address[site])
        return next((at for answered, at in self.watchers[name].answers if answered == data and at > since), None)

    def assert_followed(self, names, site, since):
        """Each answers the site with the group's epoch. Milliseconds after the controller, by name."""
        for name in names:
            wait_for(f"{name} answers {site}", FOLLOW_SECONDS, lambda: self.first_seen(name, site, since))
        self.settle(names)
        group = self.stage.group()
        mark = f"group={group['id']} epoch={group['epoch']}"
        for name in names:
            assert mark_of(self.addresses[name]) == mark, (name, mark_of(self.addresses[name]), mark)
        published = self.first_seen(CONTROLLER, site, since)
        return {name: round((self.first_seen(name, site, since) - published) * 1000) for name in names}

    def assert_never_back(self, sites):
        for name, watcher in self.watchers.items():
            expected = [socket.inet_aton(self.stage.address[site]) for site in sites]
            assert [data for data, _ in watcher.answers] == expected, (name, watcher.answers)
            assert watcher.serials == sorted(watcher.serials), (name, watcher.serials)


def show(times):
    return ", ".join(f"{name} {ms} ms" for name, ms in sorted(times.items(), key=lambda item: item[1]))


def main():
    clock = Clock()
    with Stage() as stage, Followers(stage) as followers:
        stage.build(configure=followers.configure)
        followers.start()
        clock.say("the stage stands, five secondaries follow")
        first = stage.current()
        second = stage.other(first)
        others = [kind for kind in KINDS if kind != STOPPED]
        with Writers(stage) as writers:
            stage.await_ready()
            since = time.monotonic()
            run = stage.done({"run": stage.switch()})
            usual_ms = run["writeOutageMs"]
            clock.say("a switch, after the controller: " + show(followers.assert_followed(KINDS, second, since)))

            stage.await_ready()
            followers.secondaries[STOPPED].stop()
            since = time.monotonic()
            run = stage.done({"run": stage.switch()})
            assert run["writeOutageMs"] <= 2 * usual_ms + 500, describe(run)
            assert step_of(run, "publish-address")["attempts"] == 1, describe(run)
            clock.say(f"with {STOPPED} down: " + show(followers.assert_followed(others, first, since)))
            assert not followers.first_seen(STOPPED, first, since)
            back = time.monotonic()
            followers.secondaries[STOPPED].start()
            followers.assert_followed([STOPPED], first, since)
            clock.say(f"{STOPPED} caught up {time.monotonic() - back:.1f} s after its start")
            stage.assert_legal()
            writers.assert_nothing_lost()
        followers.assert_never_back([first, second, first])


if __name__ == "__main__":
    main()
