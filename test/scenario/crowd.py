"""Threads that write for as long as a block lasts, and when each of their writes was acknowledged."""
import threading


class Crowd:
    """work(*arguments) runs in a thread for each of the arguments, and ends soon after self.ending is set."""

    def __init__(self, work, arguments):
        self.times, self.lock, self.ending = [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=work, args=each, daemon=True) for each in arguments]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def longest_gap(self):
        """Seconds between two acknowledged writes, whoever's."""
        times = sorted(self.times)
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)
