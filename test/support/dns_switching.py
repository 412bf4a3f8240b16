"""A name switched again and again while clients ask for it: no query lost, no wrong answer, none older than one before.

The n-th address of the name is 10.x.y.z with n in the last three octets, so that every answer says which switch it is of.
"""
import random
import socket
import threading
import time

from dns_wire import A, Response, query

LOST_AFTER_SECONDS = 2.0


def address_of(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def number_of(data):
    return int.from_bytes(data[1:4], "big") if len(data) == 4 and data[0] == 10 else None


class Findings:
    def __init__(self):
        self.asked, self.lost, self.wrong, self.older = 0, 0, 0, 0

    def add(self, other):
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def clean(self):
        return self.lost == self.wrong == self.older == 0


class Asker(threading.Thread):
    """One client with one socket, one question at a time."""

    def __init__(self, server, name, published):
        super().__init__(daemon=True)
        self._server, self._name, self._published = server, name, published
        self._end = threading.Event()
        self.findings = Findings()
        self.newest = 0

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(LOST_AFTER_SECONDS)
            client.connect(self._server)
            while not self._end.is_set():
                self._ask(client)

    def _ask(self, client):
        at_least = max(self._published(), self.newest)
        ident = random.randrange(65536)
        client.send(query(self._name, A, ident=ident))
        self.findings.asked += 1
        try:
            response = Response(client.recv(4096))
        except OSError:
            self.findings.lost += 1
            return
        number = number_of(response.answer[0].data) if len(response.answer) == 1 else None
        if response.ident != ident or response.rcode != 0 or number is None:
            self.findings.wrong += 1
        elif number < at_least:
            self.findings.older += 1
        else:
            self.newest = number

    def finish(self):
        self._end.set()
        self.join()
        return self.findings


class Switcher:
    """Commands of swb_dns_server: `process` has pipes for its standard input and output."""

    def __init__(self, process, name):
        self._process, self._name = process, name
        self.published = 0

    def switch(self):
        """Returns the seconds until the server said that the next address is answered."""
        number = self.published + 1
        begun = time.perf_counter()
        self._process.stdin.write(f"{self._name} {address_of(number)}\n".encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        taken = time.perf_counter() - begun
        if line.split() != [b"published", self._name.encode(), address_of(number).encode()]:
            raise RuntimeError(f"the name server said {line!r}")
        self.published = number
        return taken


def switch_under_load(server, name, *, seconds, interval, askers):
    """Switches every `interval` seconds while `askers` clients ask; the findings of all, and the number of switches."""
    switcher = Switcher(server.process, name)
    switcher.switch()
    clients = [Asker(server.address, name, lambda: switcher.published) for _ in range(askers)]
    for client in clients:
        client.start()
    end, switches = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        switcher.switch()
        switches += 1
        time.sleep(interval)
    findings = Findings()
    for client in clients:
        findings.add(client.finish())
    return findings, switches
