"""kill -9 in the middle of a seed, for every engine: of the agent at the target, of the agent at the source, and of the
controller. The run goes on and ends with a streaming replica that has everything; nobody cleans up, nothing is left
behind, and the source serves all the while."""

import glob
import os
import time
import unittest

import world

ENGINES = {"postgresql": "main", "mariadb": "invoices", "redis": "recent"}
MEBIBYTES = 192
VICTIMS = ("target agent", "source agent", "swingd")


class SeedCrash(world.Scenario):
    lab_arguments = ("--engines", ",".join(ENGINES))

    def fill(self):
        """Enough data for a copy that takes seconds."""
        source = self.lab.site(self.lab.current())
        self.lab.sql(self.lab.current(), "CREATE TABLE ballast AS SELECT i, repeat(md5(i::text), 32) AS filler "
                                         f"FROM generate_series(1, {MEBIBYTES * 1000}) AS i")
        place = source["mariadb"]
        connection = self.mariadb(place)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE ballast (i INT PRIMARY KEY, filler TEXT)")
            for block in range(MEBIBYTES // 16):
                cursor.execute(f"INSERT INTO ballast SELECT seq, REPEAT(MD5(seq), 32) FROM seq_{block * 16000 + 1}_to_"
                               f"{block * 16000 + 16000}")
                connection.commit()
        connection.close()
        client = self.redis(source["redis"])
        for block in range(MEBIBYTES):
            client.mset({f"ballast:{block}:{i}": os.urandom(4096) for i in range(250)})

    @staticmethod
    def mariadb(place):
        import pymysql
        return pymysql.connect(host=place["address"], port=place["port"], user=place["user"],
                               password=place["password"], database=place["schema"], connect_timeout=5)

    @staticmethod
    def redis(place):
        import redis
        return redis.Redis.from_url(place["dsn"], socket_timeout=20)

    def count(self, site, engine):
        if engine == "postgresql":
            return self.lab.sql(site, "SELECT count(*) FROM ballast")[0][0]
        place = self.lab.site(site)[engine]
        if engine == "redis":
            return self.redis(place).dbsize()
        connection = self.mariadb(place)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM ballast")
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def progress(self, identifier):
        """The seed step's newest progress; empty while it has not begun to copy."""
        run = self.lab.run("run", "show", identifier)
        step = next(step for step in run["steps"] if step["name"] == "seed")
        return step["state"], step["detail"] or ""

    def state(self, engine):
        return next(link["state"] for link in self.lab.swing("replication", "status")["links"]
                    if link["engine"] == engine)

    def seed_with_kill(self, engine, victim):
        lab, database = self.lab, ENGINES[engine]
        source, target = lab.current(), lab.standby_of(lab.current())
        agents = {name: "agent-" + lab.site(site)["server"]["name"] for name, site in
                  (("source agent", source), ("target agent", target))}
        program = agents.get(victim, victim)
        answer = lab.run("replication", "resync", "--from", f"shop-{source}", "--to", f"shop-{target}", "--database",
                         database, "--consent", f"replace:shop-{target}/{database}", "--no-wait")
        identifier = answer.get("run", answer)["id"]
        world.wait_for(lambda: self.progress(identifier)[0] == "running", 30, "the copy begins", pause=0.01)
        time.sleep(0.25)
        killed_in = self.progress(identifier)
        lab.wait_restarted(program, lab.kill9(program))
        lab.wait_connected()
        if killed_in[0] == "running":
            world.wait_for(lambda: self.progress(identifier)[0] == "done" or "cop" in self.progress(identifier)[1], 60,
                           "progress is shown again")
        run = lab.finished_run(identifier, timeout=180)
        self.assertEqual(run["state"], "done", run)
        return killed_in[0], run

    def assert_nothing_left(self, target, engine):
        data = self.lab.site(target)[engine]["data"]
        self.assertEqual(glob.glob(glob.escape(data) + ".swingbridge-*"), [])
        for line in world.processes_of(self.lab.directory):
            for program in ("pg_basebackup", "mariadb-dump", "pg_verifybackup", "--skip-grant-tables"):
                self.assertNotIn(program, line)

    def test_every_engine_and_every_victim(self):
        self.fill()
        source = self.lab.current()
        target = self.lab.standby_of(source)
        in_time = 0
        for engine in ENGINES:
            rows, pid = self.count(source, engine), self.lab.site(source)[engine]["pid"]
            self.assertGreater(rows, 10_000)
            for victim in VICTIMS:
                with self.subTest(engine=engine, victim=victim):
                    began = time.monotonic()
                    state, run = self.seed_with_kill(engine, victim)
                    in_time += state == "running"
                    step = next(step for step in run["steps"] if step["name"] == "seed")
                    print(f"{engine}, {victim} killed while {state}: done after {time.monotonic() - began:.1f} s, "
                          f"attempts {step['attempts']}", flush=True)
                    world.wait_for(lambda: self.count(target, engine) == rows, 30, "the copy has everything")
                    self.assert_nothing_left(target, engine)
                    self.lab.refresh()
                    self.assertEqual(self.lab.site(source)[engine]["pid"], pid, "the source was restarted")
                    world.wait_for(lambda: self.state(engine) in ("streaming", "behind"), 30, "the replica streams")
        self.assertGreaterEqual(in_time, 6, "most kills must come while it copies")
        self.lab.wait_ready(60)
        self.assertEqual(self.lab.switch()["state"], "done")


if __name__ == "__main__":
    unittest.main(verbosity=2)
