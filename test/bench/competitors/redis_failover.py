"""Two plain Redis servers and Redis's own command: FAILOVER TO."""
import contextlib

from engine_servers import HOST, RedisPair, wait_for


class RedisFailover:
    name = "redis-failover"

    def __init__(self, directory, options):
        self.pair = RedisPair(directory)
        self.primary = 0

    def start(self):
        self.pair.start()

    def targets(self):
        return self.pair.targets()

    def switch(self):
        new = 1 - self.primary
        with contextlib.closing(self.pair.session(self.primary)) as old:
            old.execute_command("FAILOVER", "TO", HOST, self.pair.ports[new], "TIMEOUT", 10_000)
            wait_for("the failover ends", lambda: old.info("replication")["master_failover_state"] == "no-failover")
            role = old.info("replication")["role"]
        if role != "slave":
            raise RuntimeError("the failover was aborted")
        self.primary = new
        return {}

    def observers(self):
        return self.pair.observers()

    def full_copies(self):
        return self.pair.full_copies()

    def stop(self):
        self.pair.stop()
