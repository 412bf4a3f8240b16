#!/usr/bin/python3
"""Everything that is refused, and that a refusal changes nothing: switches that are not ready, consent, slots, deletions,
rights, epochs. Another major version cannot be had beside the one installed: the planner's unit tests cover it."""
import http.client
import json
import os
import signal
import ssl

from steering import (Clock, Frozen, nothing_changed, order, postgres, process_of, refused, switch_paused)
from stage import POSTGRES_BIN, ApiError, Stage, describe, wait_for
from writers import Writers


def refused_switch(stage, check, **body):
    """Not ready because of that check, and nothing changed."""
    wait_for(f"the check {check} refuses", 15, lambda: check in stage.refusals(), 0.1)
    with nothing_changed(stage):
        error = refused("SWB-NOT-READY", stage.switch, **body)
        assert error.status == 409 and error.error["hint"], error
    return error


def lagging(stage):
    current = stage.current()
    with Frozen(process_of(stage, stage.other(current), "walreceiver")):
        stage.sql(current, "CREATE TABLE bulk AS SELECT repeat(md5(i::text), 20) FROM generate_series(1, 4000) i")
        with nothing_changed(stage):
            error = refused("SWB-NOT-READY", stage.switch, lagBytesMax=100_000)
            assert "lag" in str(error), error
    stage.sql(current, "DROP TABLE bulk")


def replay_paused(stage):
    other = stage.other(stage.current())
    stage.sql(other, "SELECT pg_wal_replay_pause()")
    refused_switch(stage, "replay-paused")
    stage.sql(other, "SELECT pg_wal_replay_resume()")


def prepared_transaction(stage):
    current = stage.current()
    stage.sql(current, "BEGIN; INSERT INTO writes VALUES ('prepared'); PREPARE TRANSACTION 'held'")
    refused_switch(stage, "prepared-transactions")
    stage.sql(current, "ROLLBACK PREPARED 'held'")


def agent_missing(stage):
    other = stage.other(stage.current())
    stage.stop(other, signal.SIGKILL)
    refused_switch(stage, "agent-connected")
    stage.start(other)


def replica_stopped(stage):
    """Its agent would start it again: it is away as well."""
    other = stage.other(stage.current())
    stage.stop(other, signal.SIGKILL)
    postgres(stage, other, "-m", "fast", "-w", "stop")
    refused_switch(stage, "replica-reachable")
    stage.start(other)


def wrong_identity(stage):
    """A fresh cluster in the place of the replica: started by hand, without its agent, then the agent again."""
    other = stage.other(stage.current())
    data = stage.path("pg-" + other)
    stage.stop(other, signal.SIGKILL)
    postgres(stage, other, "-m", "fast", "-w", "stop")
    stage.run_as_user("mv", data, data + ".kept")
    stage.run_as_user(f"{POSTGRES_BIN}/initdb", "-D", data, "-U", "postgres", "--auth-local=trust", "--no-sync")
    for name in ("postgresql.conf", "pg_hba.conf"):
        stage.run_as_user("cp", data + ".kept/" + name, data + "/" + name)
    # As a standby of nothing, with the access and the TLS files of the one it replaces.
    for name in sorted(set(os.listdir(data + ".kept")) - set(os.listdir(data))):
        if os.path.isfile(data + ".kept/" + name) and name not in ("postmaster.pid", "backup_label.old", "backup_manifest"):
            stage.run_as_user("cp", data + ".kept/" + name, data + "/" + name)
    with open(data + "/postgresql.conf", "a") as config:
        config.write("max_connections = 100\n")  # what it was made with: no standby starts with less
    stage.run_as_user("touch", data + "/standby.signal")
    try:
        postgres(stage, other, "-w", "-t", "10", "-l", stage.path(f"pg-{other}.log"), "start")
    except AssertionError:
        raise AssertionError(open(stage.path(f"pg-{other}.log")).read()[-1500:]) from None
    stage.start(other)
    wait_for("the agent is back", 10, lambda: stage.api("GET", "/v1/status")["connected"] == 2)
    refused_switch(stage, "identity")
    found = stage.refusals()
    stage.stop(other, signal.SIGKILL)
    postgres(stage, other, "-m", "immediate", "-w", "stop")
    stage.run_as_user("rm", "-rf", data)
    stage.run_as_user("mv", data + ".kept", data)
    stage.start(other)
    return sorted(found)


def busy(stage):
    run = switch_paused(stage)
    with nothing_changed(stage):
        for method, path, body in (
                ("POST", "/v1/groups/shop/switch", {}), ("PATCH", "/v1/groups/shop", {"ttl": 5}),
                ("DELETE", "/v1/groups/shop", None), ("POST", "/v1/applications/shop-fra/maintenance", {"on": True}),
                ("POST", "/v1/replication/disable", {"from": "shop-fra", "to": "shop-nyc"})):
            refused("SWB-GROUP-BUSY", stage.api, method, path, body)
    order(stage, run, "abort")
    run = stage.wait_run(run)
    assert run["state"] == "aborted", describe(run)


def bad_requests(stage):
    site = "shop-" + stage.current()
    other = "shop-" + stage.other(stage.current())
    stage.api("POST", "/v1/sites", {"name": "sfo"})
    with nothing_changed(stage):
        for code, method, path, body in (
                ("SWB-NOT-READY", "POST", "/v1/groups/shop/switch", {"to": site}),
                ("SWB-NOT-FOUND", "POST", "/v1/groups/shop/switch", {"to": "nobody"}),
                ("SWB-NOT-FOUND", "POST", "/v1/groups/none/switch", {}),
                ("SWB-INVALID-INPUT", "POST", "/v1/groups/shop/switch", {"hurry": True}),
                ("SWB-INVALID-INPUT", "POST", "/v1/groups/shop/switch", {"dryRun": "yes"}),
                ("SWB-NOT-READY", "POST", "/v1/groups/shop/switch", {"trafficOnly": True}),
                ("SWB-CONSENT-REQUIRED", "POST", "/v1/replication/resync", {"from": site, "to": other}),
                ("SWB-CONSENT-REQUIRED", "POST", "/v1/replication/resync",
                 {"from": site, "to": other, "consent": [f"replace:{site}/main"]}),
                ("SWB-IN-USE", "DELETE", "/v1/groups/shop", None), ("SWB-IN-USE", "DELETE", "/v1/sites/fra", None),
                ("SWB-IN-USE", "DELETE", "/v1/servers/fra-1", None),
                ("SWB-IN-USE", "DELETE", "/v1/applications/" + site, None),
                ("SWB-IN-USE", "DELETE", "/v1/applications/" + other, None),
                ("SWB-SLOT-RULE", "POST", "/v1/groups", {"name": "two", "primary": site}),
                ("SWB-SLOT-RULE", "POST", "/v1/groups", {"name": "two", "primary": site, "secondary": site}),
                ("SWB-SLOT-RULE", "POST", "/v1/groups", {"name": "two", "secondary": other}),
                ("SWB-SLOT-RULE", "PATCH", "/v1/groups/shop", {"secondary": site, "primary": site}),
                ("SWB-ALREADY-EXISTS", "POST", "/v1/groups", {"name": "shop"}),
                ("SWB-ALREADY-EXISTS", "POST", "/v1/groups", {"name": "two", "label": "shop"}),
                ("SWB-INVALID-INPUT", "PATCH", "/v1/groups/shop", {"outageBudgetMs": 10}),
                ("SWB-INVALID-INPUT", "PATCH", "/v1/groups/shop", {"ttl": 0}),
                ("SWB-INVALID-INPUT", "POST", "/v1/groups", {"name": "Two Words"})):
            try:
                refused(code, stage.api, method, path, body)
            except AssertionError as error:
                raise AssertionError(f"{method} {path} {body}: {error}") from None
    stage.api("DELETE", "/v1/sites/sfo")


def as_token(stage, token, method, path, body=None):
    context = ssl.create_default_context(cafile=stage.path("c", "ca.pem"))
    connection = http.client.HTTPSConnection(f"{stage.net}.1", stage.api_port, context=context, timeout=30)
    try:
        connection.request(method, path, json.dumps(body or {}), {"Authorization": "Bearer " + token})
        answer = connection.getresponse()
        value = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status >= 400:
        raise ApiError(answer.status, value["error"])
    return value


def protected(stage):
    token = stage.api("POST", "/v1/tokens", {"name": "night-shift", "role": "operator"})["token"]
    stage.api("PATCH", "/v1/groups/shop", {"protected": True})
    with nothing_changed(stage):
        error = refused("SWB-FORBIDDEN", as_token, stage, token, "POST", "/v1/groups/shop/switch")
        assert error.status == 403, error
        assert as_token(stage, token, "POST", "/v1/groups/shop/switch", {"dryRun": True})["run"]["state"] == "planned"
        refused("SWB-FORBIDDEN", as_token, stage, token, "PATCH", "/v1/groups/shop", {"protected": False})
    stage.api("PATCH", "/v1/groups/shop", {"protected": False})


def older_controller(stage):
    """A controller restored from an older backup: the sites have seen a newer epoch than it knows, and say no."""
    directory, kept = stage.path("c"), stage.path("c.newest")
    before = stage.current()
    stage.stop("swingd")
    stage.run_as_user("cp", "-a", directory, stage.path("c.older"))
    stage.start("swingd")
    for _ in range(2):  # there and back: the older copy is right about who is current, and wrong about the epoch
        stage.await_ready()
        stage.done({"run": stage.switch()})
    stage.stop("swingd")
    stage.run_as_user("mv", directory, kept)
    stage.run_as_user("cp", "-a", stage.path("c.older"), directory)
    stage.start("swingd")
    wait_for("the agents are back", 10, lambda: stage.api("GET", "/v1/status")["connected"] == 2)
    assert stage.current() == before
    error = refused_switch(stage, "epoch")
    assert "epoch" in str(error), error
    assert [stage.role(site) for site in (before, stage.other(before))] == ["primary", "replica"]
    stage.stop("swingd")
    stage.run_as_user("rm", "-rf", directory)
    stage.run_as_user("mv", kept, directory)
    stage.start("swingd")


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build()
        clock.say("the stage stands")
        with Writers(stage) as writers:
            for scenario in (bad_requests, protected, lagging, replay_paused, prepared_transaction, agent_missing,
                             replica_stopped, wrong_identity, busy, older_controller):
                stage.await_ready()
                found = scenario(stage)
                writers.assert_nothing_lost()
                clock.say(f"{scenario.__name__}: refused{' by ' + ', '.join(found) if found else ''}")
            stage.await_ready()
            stage.done({"run": stage.switch()})
            stage.assert_legal()
        writers.assert_nothing_lost()
        clock.say("and switched at last")


if __name__ == "__main__":
    main()
