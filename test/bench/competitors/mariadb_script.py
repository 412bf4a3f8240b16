"""Two plain MariaDB servers and the hand-written script peer_script/switch_mariadb."""
import os

import bench_support as support
from engine_servers import MariadbPair

SWITCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peer_script", "switch_mariadb")


class MariadbScript:
    name = "mariadb-script"

    def __init__(self, directory, options):
        self.pair = MariadbPair(directory)
        self.primary, self.replica = self.pair.servers

    def start(self):
        self.pair.start()

    def targets(self):
        return self.pair.targets()

    def switch(self):
        old, new = self.primary, self.replica
        support.run(["env", f"REPL_USER={support.REPL_USER}", f"REPL_PASSWORD={support.REPL_PASSWORD}", SWITCH, old.socket,
                     new.socket, "127.0.0.1", str(new.port)], cwd="/")
        self.primary, self.replica = new, old
        return {}

    def observers(self):
        return self.pair.observers()

    @staticmethod
    def full_copies():
        return 0

    def stop(self):
        self.pair.stop()
