#!/usr/bin/python3
"""kill -9 of an agent during every verb of a switch: after the ledger says started, after the act, after the record.
The agent is started again, as a service manager does; every run ends legal with no human step (I1 to I4)."""
import os

from stage import Stage, describe
from writers import Writers

OLD = ("database.prepare-switch", "maintenance.on", "database.fence", "database.rejoin", "database.end-switch",
       "application.deactivate")
NEW = ("database.prepare-switch", "database.take-over", "application.activate", "maintenance.off",
       "database.prepare-source", "database.end-switch")
MOMENTS = ("started", "acted", "recorded")


def main():
    chosen = [(side, verb, moment) for side, verbs in (("old", OLD), ("new", NEW)) for verb in verbs for moment in MOMENTS]
    states = {}
    with Stage() as stage:
        stage.build()
        with Writers(stage) as writers:
            for side, verb, moment in chosen:
                point = f"verb.{verb}.{moment}"
                before = stage.current()
                victim = before if side == "old" else stage.other(before)
                stage.restart(victim, fault=point)
                stage.await_ready()
                run = stage.wait_run(stage.switch(reason=f"{side} {point}"))
                assert os.path.exists(stage.path("fault-" + point)), f"{point} was never passed at {victim}"
                assert run["state"] in ("done", "failed"), describe(run)
                stage.assert_legal()
                # Failed means rolled back: then the old site is current again, as if nothing had been asked.
                assert stage.current() == (stage.other(before) if run["state"] == "done" else before), describe(run)
                writers.assert_nothing_lost()
                states[run["state"]] = states.get(run["state"], 0) + 1
                print(f"{side:4} {point:40} {run['state']:8} outage {run['writeOutageMs']} ms", flush=True)
        writers.assert_nothing_lost()
        print(f"{len(chosen)} kills: {states}; {len(writers.acknowledged)} acknowledged writes, none lost or doubled")


if __name__ == "__main__":
    main()
