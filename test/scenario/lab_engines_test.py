"""The lab with other engines than PostgreSQL alone: one application, several databases, one switch."""

import os
import subprocess
import unittest

import psycopg2
import pymysql
import redis

import world

ALL = ["postgresql", "mariadb", "redis"]


class Databases:
    """A site's databases, used as the application uses them."""

    def __init__(self, site):
        self.site = site

    def postgresql(self, statement, *parameters):
        connection = psycopg2.connect(self.site["postgresql"]["dsn"], connect_timeout=3)
        return self._rows(connection, statement, parameters)

    def mariadb(self, statement, *parameters):
        place = self.site["mariadb"]
        connection = pymysql.connect(host=place["address"], port=place["port"], user=place["user"],
                                     password=place["password"], database=place["schema"], connect_timeout=3)
        return self._rows(connection, statement, parameters)

    def redis(self):
        return redis.Redis.from_url(self.site["redis"]["dsn"], socket_timeout=3, decode_responses=True)

    @staticmethod
    def _rows(connection, statement, parameters):
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows
        finally:
            connection.close()


class EveryEngine(world.Scenario):
    lab_arguments = ("--engines", ",".join(ALL))

    def current(self):
        return Databases(self.lab.site(self.lab.current()))

    def test_1_where_everything_is(self):
        status = self.lab.refresh()
        self.assertEqual(status["engines"], ALL)
        for engine, database in zip(ALL, ("main", "invoices", "recent")):
            self.assertEqual([site[engine]["role"] for site in status["sites"]], ["primary", "replica"], engine)
            for site in status["sites"]:
                self.assertEqual(site[engine]["database"], database)
                self.assertTrue(os.path.isdir(site[engine]["data"]), site[engine])
                self.assertTrue(os.path.exists(f"/proc/{site[engine]['pid']}"), site[engine])
        self.assertEqual(self.assert_legal(), "fra")
        self.assertEqual([check for check in self.lab.check()["checks"] if check["verdict"] != "ok"], [])
        for line in world.processes_of(self.lab.directory):
            self.assertNotEqual(os.stat(f"/proc/{line.split()[0]}").st_uid, 0, line)

    def test_2_switch_there_and_back_under_load(self):
        with self.lab.load() as load:
            for site in ("nyc", "fra"):
                self.assertEqual(self.lab.switch()["state"], "done")
                self.assertEqual(self.assert_legal(), site)
                self.lab.wait_ready()
        self.assert_clean(load)
        self.assertEqual(sorted(load.score["engines"]), sorted(ALL))
        for engine, score in load.score["engines"].items():
            self.assertEqual((score["missing"], score["doubled"]), (0, 0), engine)
        self.assertGreaterEqual(load.score["addressChanges"], 2)

    def test_3_the_score_sees_what_one_engine_lost_or_has_twice(self):
        databases = self.current()
        before = databases.redis().llen("shop:orders")
        with self.lab.load(writers=2, rate=50) as load:
            world.wait_for(lambda: databases.redis().llen("shop:orders") > before + 30, what="orders")
            latest = databases.mariadb("SELECT max(id) FROM invoices")[0][0]
            databases.mariadb("DELETE FROM invoices WHERE id = %s", latest - 10)
            tag = databases.mariadb("SELECT tag FROM invoices WHERE id = %s", latest - 12)[0][0]
            databases.redis().hincrby("shop:tags", tag, 1)
        score = load.score
        self.assertEqual((score["missing"], score["doubled"]), (1, 1), score)
        self.assertEqual((score["engines"]["mariadb"]["missing"], score["engines"]["mariadb"]["doubled"]), (1, 0))
        self.assertEqual((score["engines"]["redis"]["missing"], score["engines"]["redis"]["doubled"]), (0, 1))
        self.assertEqual((score["engines"]["postgresql"]["missing"], score["engines"]["postgresql"]["doubled"]), (0, 0))
        self.assertEqual(score["doubledTags"], [tag])
        self.assertEqual(load.status, 1)

    def test_4_an_order_that_one_engine_refuses_is_not_confirmed(self):
        site, databases = self.lab.site(self.lab.current()), self.current()
        databases.mariadb("ALTER TABLE invoices ADD CONSTRAINT not_this_one CHECK (tag <> 'refused')")
        try:
            done = subprocess.run(["curl", "-s", "-w", "%{http_code}", site["web"]["url"] + "/orders", "-d",
                                   "product=tea&customer=Ada&tag=refused"], stdout=subprocess.PIPE, text=True, timeout=20)
        finally:
            databases.mariadb("ALTER TABLE invoices DROP CONSTRAINT not_this_one")
        self.assertTrue(done.stdout.endswith("503"), done.stdout)
        self.assertIn("written in part: postgresql", done.stdout)
        self.assertEqual(databases.postgresql("SELECT count(*) FROM orders WHERE tag = 'refused'")[0][0], 1)
        self.assertIsNone(databases.redis().hget("shop:tags", "refused"))

    def test_5_other_engines_need_another_lab(self):
        with self.assertRaises(world.CommandFailed) as refused:
            self.lab.run("lab", "up", "--dir", self.lab.directory, "--engines", "redis", connect=False)
        self.assertEqual(refused.exception.code, "SWB-IN-USE")
        self.assertEqual(self.lab.run("lab", "up", "--dir", self.lab.directory, connect=False)["engines"], ALL)

    def test_6_down_leaves_nothing(self):
        directory = self.lab.directory
        self.assertTrue(world.processes_of(directory))
        self.lab.run("lab", "down", "--dir", directory, connect=False)
        self.assertEqual(world.processes_of(directory), [])
        self.assertFalse(os.path.exists(directory))


class OneEngine(unittest.TestCase):
    def check(self, engine):
        lab = world.Lab(arguments=("--engines", engine))
        self.addCleanup(lab.down)
        lab.up()
        self.assertEqual(lab.engines(), [engine])
        with lab.load(rate=100) as load:
            self.assertEqual(lab.switch()["state"], "done")
        self.assertEqual((load.status, load.score["missing"], load.score["doubled"]), (0, 0, 0), load.score)
        self.assertEqual(list(load.score["engines"]), [engine])
        self.assertGreater(load.score["acknowledged"], 0)
        self.assertEqual((lab.role("nyc"), lab.role("fra")), ("primary", "replica"))
        directory = lab.directory
        lab.down()
        self.assertEqual(world.processes_of(directory), [])

    def test_mariadb(self):
        self.check("mariadb")

    def test_redis(self):
        self.check("redis")

    def test_engines_that_there_are_not(self):
        lab = world.Lab(arguments=("--engines", "postgresql,mongodb"))
        self.addCleanup(lab.down)
        with self.assertRaises(world.CommandFailed) as refused:
            lab.up()
        self.assertEqual(refused.exception.code, "SWB-UNSUPPORTED")
        self.assertFalse(os.path.exists(lab.directory))


if __name__ == "__main__":
    unittest.main()
