"""Direct clients of a stage's databases."""
import time

import psycopg2

from crowd import Crowd
from stage import SITES


class Writers(Crowd):
    """Writes tags to whichever database accepts them; a tag is acknowledged only after its commit was answered."""

    def __init__(self, stage, count=2):
        super().__init__(self.write, [(number,) for number in range(count)])
        self.stage, self.acknowledged = stage, set()

    def write(self, number):
        connection, counter, turn = None, 0, number
        while not self.ending.is_set():
            counter += 1
            tag = f"{number}-{counter}"
            try:
                if connection is None:
                    turn += 1
                    connection = psycopg2.connect(host=self.stage.path("s-" + SITES[turn % 2]), port=5432, user="postgres",
                                                  dbname="shop", connect_timeout=2)
                    connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO writes VALUES (%s)", (tag,))
                with self.lock:
                    self.acknowledged.add(tag)
                    self.times.append(time.monotonic())
                time.sleep(0.004)
            except psycopg2.Error:
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.01)

    def assert_nothing_lost(self):
        # The set as it is before the read: what is acknowledged later need not be in it.
        with self.lock:
            acknowledged = set(self.acknowledged)
        rows = [row[0] for row in self.stage.sql(self.stage.current(), "SELECT tag FROM writes")]
        missing = acknowledged - set(rows)
        assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged writes are missing: {sorted(missing)[:5]}"
        assert len(rows) == len(set(rows)), "a write is there twice"
