"""Two plain PostgreSQL servers and the hand-written script peer_script/switch."""
import os

import bench_support as support

from .scripted import PEER_SCRIPTS, Scripted


class Script(Scripted):
    name = "script"

    def __init__(self, directory, options):
        super().__init__(support.ServerPair(directory))

    def start(self):
        self.pair.start()
        self.primary, self.replica = self.pair.a, self.pair.b

    def command(self, old, new):
        return ["env", f"PGBIN={support.PG_BIN}", os.path.join(PEER_SCRIPTS, "switch"), old.data, str(old.port), old.name,
                new.data, str(new.port), new.name]
