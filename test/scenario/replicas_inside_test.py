"""Replicas inside the applications of a group (F18, F21), of all three engines: they follow their own application's
databases through a switch there and back under load, are never in the way of one, and the applications are told of
them."""

import contextlib
import glob
import json
import os
import signal
import unittest

import psycopg2
import pymysql
import redis

import world

ALL = ["postgresql", "mariadb", "redis"]
PREFIXES = {"postgresql": "POSTGRESQL", "mariadb": "MYSQL", "redis": "REDIS"}
DATABASES = {"postgresql": "main", "mariadb": "invoices", "redis": "recent"}


def count_orders(place):
    """Orders in one database, read as the application reads them."""
    if place["engine"] == "redis":
        return redis.Redis.from_url(place["dsn"], socket_timeout=3).hlen("shop:tags")
    if place["engine"] == "mariadb":
        connection = pymysql.connect(host=place["address"], port=place["port"], user=place["user"],
                                     password=place["password"], database=place["schema"], connect_timeout=3)
        table = "invoices"
    else:
        connection, table = psycopg2.connect(place["dsn"], connect_timeout=3), "orders"
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(DISTINCT tag) FROM {table}")
        return cursor.fetchone()[0]


def tree(pid):
    """A process and everything below it."""
    found = [pid]
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(task, encoding="ascii") as file:
            for child in file.read().split():
                found += tree(int(child))
    return found


@contextlib.contextmanager
def hanging(pids):
    everything = [one for pid in pids for one in tree(pid)]
    for pid in everything:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everything:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


class ReplicasInside(world.Scenario):
    lab_arguments = ("--engines", ",".join(ALL), "--replicas")

    def replicas(self, site):
        return self.lab.site(site)["replicas"]

    def inner_links(self):
        return [link for link in self.lab.group()["links"] if "." in link["to"]]

    def wait_following(self):
        """Every link of the group streams: that between the sites, and those inside both applications."""
        world.wait_for(lambda: [link["state"] for link in self.lab.group()["links"]] == ["streaming"] * 9, 30,
                       f"nine streaming links (now {self.lab.group()['links']})")

    def assert_data_everywhere(self):
        """What the current databases have is in every replica of both sites; none of them is a primary."""
        self.lab.refresh()
        current = self.lab.site(self.lab.current())
        for engine in ALL:
            orders = count_orders(dict(current[engine], engine=engine))
            self.assertGreater(orders, 0)
            for site in ("fra", "nyc"):
                place = next(place for place in self.replicas(site) if place["engine"] == engine)
                self.assertEqual(place["role"], "replica", place)
                world.wait_for(lambda place=place: count_orders(place) == orders, 20,
                               f"{orders} orders in {engine} of {site}'s replica")

    def environment(self, site):
        site = self.lab.site(site)
        paths = glob.glob(os.path.join(site["server"]["agentDirectory"], "**", site["application"], "environment"),
                          recursive=True)
        self.assertEqual(len(paths), 1, paths)
        with open(paths[0], encoding="utf-8") as file:
            pairs = (line.strip().split("=", 1) for line in file if "=" in line)
            return {name: value.strip("'\"") for name, value in pairs}

    def guards(self, site):
        """Roles in which the replicas may come up, by database: what their server's boot guards say."""
        site = self.lab.site(site)
        paths = glob.glob(os.path.join(site["server"]["agentDirectory"], "guard", site["application"] + ".reports", "*.json"))
        roles = {}
        for path in paths:
            with open(path, encoding="utf-8") as file:
                roles[os.path.basename(path).removesuffix(".json")] = json.load(file)["role"]
        return roles

    def replica_variables(self, site):
        values = self.environment(site)
        return {engine: values.get(PREFIXES[engine] + "_REPLICA_ADDRESSES") for engine in ALL}

    def addresses(self, site, *without):
        return {place["engine"]: "" if place["engine"] in without else f"{place['address']}:{place['port']}"
                for place in self.replicas(site)}

    def test_1_they_are_shown_and_named(self):
        self.wait_following()
        for site in ("fra", "nyc"):
            application = self.lab.site(site)["application"]
            def shown_rows(application=application):
                return self.lab.run("app", "show", application)["replicas"]

            world.wait_for(lambda: all(isinstance(row["lagBytes"], int) for row in shown_rows()), 20,
                           f"a lag of every replica: {shown_rows()}")
            shown = shown_rows()
            self.assertEqual(sorted(row["database"] for row in shown), sorted(DATABASES.values()))
            for row in shown:
                self.assertEqual((row["state"], row["from"], row["hint"]), ("streaming", application, ""), row)
            # One that was seeded the moment before the last apply is named a little later.
            world.wait_for(lambda site=site: self.replica_variables(site) == self.addresses(site), 30,
                           f"every replica of {site} in its application's environment")
            values = self.environment(site)
            for engine in ALL:
                place = self.lab.site(site)[engine]
                self.assertEqual(values[PREFIXES[engine] + "_ADDRESS"], f"{place['address']}:{place['port']}")
        self.assertEqual([check for check in self.lab.check()["checks"] if check["verdict"] != "ok"], [])

    def test_2_there_and_back_under_load(self):
        with self.lab.load() as load:
            for site in ("nyc", "fra"):
                self.lab.wait_ready()
                run = self.lab.switch()
                self.assertEqual(run["state"], "done", run)
                self.assertEqual(self.lab.current(), site)
                self.wait_following()
        self.assert_clean(load)
        self.assert_data_everywhere()
        for site in ("fra", "nyc"):
            self.assertEqual(self.replica_variables(site), self.addresses(site))
            self.assertEqual(self.guards(site), {name: "replica" for name in DATABASES.values()})

    def test_3_those_that_hang_are_not_in_the_way(self):
        self.lab.refresh()
        self.lab.wait_ready()
        pids = [place["pid"] for site in ("fra", "nyc") for place in self.replicas(site)]
        with hanging(pids), self.lab.load() as load:
            run = self.lab.switch(timeout=90)
            self.assertEqual(run["state"], "done", run)
            self.assertLess(run["writeOutageMs"], 3000, run)
        self.assert_clean(load)
        self.wait_following()
        self.assert_data_everywhere()

    def test_4_one_that_is_broken_is_a_warning_and_not_read_from(self):
        current = self.lab.current()
        application = self.lab.site(current)["application"]
        place = next(place for place in self.replicas(current) if place["engine"] == "mariadb")
        os.kill(place["pid"], signal.SIGSTOP)
        try:
            world.wait_for(lambda: any(check["name"] == "replica-inside" and check["verdict"] == "warning"
                                       for check in self.lab.check()["checks"]), 30, "a warning")
            self.assertEqual(self.lab.check()["verdict"], "warning")
            world.wait_for(lambda: [link["database"] for link in self.inner_links()
                                    if link["from"] == application and link["state"] != "streaming"] == ["invoices"], 30,
                           "a link that does not stream")
            # The application is told by itself, in a run that says why.
            world.wait_for(lambda: self.replica_variables(current) == self.addresses(current, "mariadb"), 60,
                           "an environment without it")
            told = next(run for run in self.lab.run("run", "list")["runs"] if run["kind"] == "environment")
            self.assertEqual(told["to"], application)
        finally:
            os.kill(place["pid"], signal.SIGCONT)
        self.wait_following()
        world.wait_for(lambda: self.replica_variables(current) == self.addresses(current), 60, "it is named again")

    def test_5_ended_and_made_again(self):
        current = self.lab.current()
        application = self.lab.site(current)["application"]
        link = ("--from", application, "--to", application + ".reports", "--database", "main", "--wait")
        with self.lab.load(rate=50) as load:
            self.assertEqual(self.lab.run("replication", "disable", *link, timeout=90)["state"], "done")
            self.assertEqual(self.replica_variables(current), self.addresses(current, "postgresql"))
            shown = {row["database"]: row for row in self.lab.run("app", "show", application)["replicas"]}
            self.assertEqual(shown["main"]["state"], "none")
            self.assertIn("swing replication enable", shown["main"]["hint"])
            consent = ("--consent", f"replace:{application}.reports/main")
            self.assertEqual(self.lab.run("replication", "enable", *link, *consent, timeout=90)["state"], "done")
            self.assertEqual(self.replica_variables(current), self.addresses(current))
        self.assert_clean(load)
        self.wait_following()
        self.lab.wait_ready()
        self.assertEqual(self.lab.switch()["state"], "done")
        self.wait_following()
        self.assert_data_everywhere()

    def test_6_what_they_may_not_do(self):
        with self.assertRaises(world.CommandFailed) as refused:
            self.lab.run("replication", "enable", "--from", "shop-nyc", "--to", "shop-fra.reports", "--consent",
                         *(f"replace:shop-fra.reports/{name}" for name in DATABASES.values()), "--wait")
        self.assertIn("follows nobody else", str(refused.exception) + str(refused.exception.document))
        # A link holds them in the definition.
        with open(self.lab.site("fra")["definition"], encoding="utf-8") as file:
            definition = file.read()
        without = definition.replace("      reports:", "      other:")
        with self.assertRaises(world.CommandFailed) as refused:
            self.lab.run("app", "apply", "-", input=without)
        self.assertEqual(refused.exception.code, "SWB-IN-USE")


if __name__ == "__main__":
    unittest.main()
