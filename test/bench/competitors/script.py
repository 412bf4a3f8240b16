"""Two plain PostgreSQL servers and the hand-written script peer_script/switch."""
import os

import bench_support as support

SWITCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peer_script", "switch")


class Script:
    name = "script"

    def __init__(self, directory, options):
        self.pair = support.ServerPair(directory)

    def start(self):
        self.pair.start()
        self.primary, self.replica = self.pair.a, self.pair.b

    def targets(self):
        return self.pair.targets()

    def switch(self):
        old, new = self.primary, self.replica
        support.run(["env", f"PGBIN={support.PG_BIN}", SWITCH, old.data, str(old.port), old.name, new.data,
                     str(new.port), new.name], cwd="/")
        self.primary, self.replica = new, old
        return {}

    def observers(self):
        return self.pair.observers()

    @staticmethod
    def full_copies():
        return 0

    def stop(self):
        self.pair.stop()
