#!/usr/bin/python3
"""kill -9 of the controller at every step of a switch: before the act, after it was sent, between act and record, after
the record. Every run ends legal with no human step, and nothing that was acknowledged is lost (I1 to I4)."""
import http.client
import os

from stage import Stage, describe, wait_for
from writers import Writers

STEPS = ("lock", "catch-up", "maintenance-on", "fence", "promote", "activate", "maintenance-off", "publish-address",
         "reverse-link", "rejoin", "settle", "report")
MOMENTS = ("planned", "committed", "sent", "acted", "recorded")


def main():
    chosen = [(step, moment) for step in STEPS for moment in MOMENTS]
    with Stage() as stage:
        stage.build()
        with Writers(stage) as writers:
            for step, moment in chosen:
                point = f"run.{step}.{moment}"
                before = stage.current()
                stage.restart("swingd", fault=point)
                stage.await_ready()
                try:
                    run = stage.switch(reason=point)
                except (OSError, http.client.HTTPException):
                    # It died before it could answer: the newest run is the one; its plan was stored before the step.
                    wait_for("the controller is dead", 5, lambda: not stage.alive("swingd"))
                    stage.restart_dead()
                    run = stage.api("GET", "/v1/runs?group=shop&limit=1")["runs"][0]
                run = stage.wait_run(run)
                assert os.path.exists(stage.path("fault-" + point)), f"{point} was never passed"
                assert run["state"] == "done", describe(run)
                stage.assert_legal()
                assert stage.current() == stage.other(before), point
                writers.assert_nothing_lost()
                print(f"{point:32} {run['state']:8} outage {run['writeOutageMs']} ms", flush=True)
        writers.assert_nothing_lost()
        print(f"{len(chosen)} kills, {len(writers.acknowledged)} acknowledged writes, none lost or doubled")


if __name__ == "__main__":
    main()
