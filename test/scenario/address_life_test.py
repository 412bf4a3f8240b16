#!/usr/bin/python3
"""The failover address outlives the controller's store: broken, gone, or from the past, the last good address is
answered (I11); and the controller comes back by itself when its store does."""
import glob
import os
import signal
import sqlite3
import urllib.error

from steering import Clock
from stage import Stage, wait_for


class Store:
    """The controller's store, moved out of its place and back."""

    def __init__(self, stage):
        self.stage = stage
        self.place = stage.path("c", "swingd.db")

    def take(self, to):
        for path in glob.glob(self.place + "*"):
            os.rename(path, self.stage.path(to + path.removeprefix(self.place)))

    def put_back(self, origin):
        for path in glob.glob(self.place + "*"):
            os.remove(path)
        for path in glob.glob(self.stage.path(origin + "*")):
            os.rename(path, self.place + path.removeprefix(self.stage.path(origin)))


def answered(stage, site):
    wait_for(f"the address of {site} is answered", 10, lambda: stage.resolve() == [stage.address[site]])


def refuses_api(stage):
    try:
        stage.api("GET", "/v1/status")
    except (OSError, urllib.error.URLError):
        return True
    return False


def broken(stage):
    site = stage.current()
    store = Store(stage)
    stage.stop("swingd", signal.SIGKILL)
    store.take("kept")
    with open(store.place, "wb") as file:
        file.write(os.urandom(64 << 10))
    owner = os.stat(stage.path("c"))
    os.chown(store.place, owner.st_uid, owner.st_gid)
    stage.start("swingd", await_ready=False)
    answered(stage, site)
    assert stage.alive("swingd") and refuses_api(stage) and not os.path.exists(stage.path("ready"))
    assert "answers the last good zones" in open(stage.path("swingd.log")).read()
    store.put_back("kept")
    wait_for("the controller came back by itself", 20, lambda: os.path.exists(stage.path("ready")))
    assert stage.current() == site
    answered(stage, site)


def gone(stage):
    site = stage.current()
    store = Store(stage)
    stage.stop("swingd")
    store.take("kept")
    stage.start("swingd")
    answered(stage, site)
    stage.stop("swingd")
    store.put_back("kept")
    stage.start("swingd")
    answered(stage, site)


def from_the_past(stage):
    """A backup from before a switch: the address stays at the newer epoch, and the next switch is refused or newer."""
    site = stage.current()
    store = Store(stage)
    stage.stop("swingd")
    before = sqlite3.connect(store.place)
    before.execute("VACUUM INTO ?", (stage.path("past"),))
    before.close()
    owner = os.stat(stage.path("c"))
    os.chown(stage.path("past"), owner.st_uid, owner.st_gid)
    stage.start("swingd")
    stage.await_ready()
    stage.done({"run": stage.switch()})
    other = stage.current()
    assert other != site
    answered(stage, other)
    stage.stop("swingd")
    store.take("kept")
    store.put_back("past")
    stage.start("swingd")
    assert stage.current() == site, "the store is from the past"
    answered(stage, other)
    stage.stop("swingd")
    store.put_back("kept")
    stage.start("swingd")
    assert stage.current() == other
    answered(stage, other)


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build()
        clock.say("the stage stands")
        for scenario in (broken, gone, from_the_past):
            scenario(stage)
            clock.say(scenario.__name__)
        stage.await_ready()
        stage.done({"run": stage.switch()})
        stage.assert_legal()
        clock.say("a switch works")


if __name__ == "__main__":
    main()
