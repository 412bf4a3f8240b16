"""Two plain MariaDB servers and the hand-written script peer_script/switch_mariadb."""
import os

import bench_support as support
from engine_servers import MariadbPair

from .scripted import PEER_SCRIPTS, Scripted


class MariadbScript(Scripted):
    name = "mariadb-script"

    def __init__(self, directory, options):
        super().__init__(MariadbPair(directory))

    def start(self):
        self.pair.start()
        self.primary, self.replica = self.pair.servers

    def command(self, old, new):
        return ["env", f"REPL_USER={support.REPL_USER}", f"REPL_PASSWORD={support.REPL_PASSWORD}",
                os.path.join(PEER_SCRIPTS, "switch_mariadb"), old.socket, new.socket, "127.0.0.1", str(new.port)]
