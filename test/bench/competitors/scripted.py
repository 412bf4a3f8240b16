"""Two plain servers that a hand-written script switches: what such competitors share."""
import abc
import os

import bench_support as support

PEER_SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peer_script")


class Scripted(abc.ABC):
    def __init__(self, pair):
        self.pair = pair
        self.primary = self.replica = None  # known once it has started

    @abc.abstractmethod
    def command(self, old, new):
        """The script's argv."""

    def switch(self):
        old, new = self.primary, self.replica
        support.run(self.command(old, new), cwd="/")
        self.primary, self.replica = new, old
        return {}

    def targets(self):
        return self.pair.targets()

    def observers(self):
        return self.pair.observers()

    @staticmethod
    def full_copies():
        return 0

    def stop(self):
        self.pair.stop()
