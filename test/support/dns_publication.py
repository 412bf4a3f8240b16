"""How long a change takes to be answered: from giving it to the server to the first new answer over UDP."""
import contextlib
import http.client
import json
import os
import socket
import sqlite3
import struct
import subprocess
import time

import dns_peers
import dns_switching
from dns_wire import A, SOA, Response, ask_udp, header, name_wire, query

API_KEY = "bench"
WAIT_SECONDS = 60
SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"


def until_answered(address, name, number):
    """Asks without a pause until the answer is of this switch."""
    wanted = socket.inet_aton(dns_switching.address_of(number))
    deadline = time.monotonic() + WAIT_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(address)
        message = query(name, A)
        while time.monotonic() < deadline:
            client.send(message)
            with contextlib.suppress(OSError):
                response = Response(client.recv(4096))
                if response.answer and response.answer[0].data == wanted:
                    return
    raise RuntimeError(f"{name} did not change in {WAIT_SECONDS} s")


def timed(change, address, name, count):
    """change(number) gives the change to the server. Milliseconds of each."""
    times = []
    for number in range(1, count + 1):
        begun = time.perf_counter()
        change(number)
        until_answered(address, name, number)
        times.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.02)
    return times


def ours(origin, zone, name, count):
    settings = dns_peers.Settings(origin, zone)
    with dns_peers.serving(dns_peers.OURS, settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        switcher = dns_switching.Switcher(server.process, name)
        return timed(lambda number: switcher.switch(), server.address, name, count)


class Controller:
    """swb_publisher_bench: the controller's way of a switch, store and journal on disk. Keeps the times of its parts."""

    def __init__(self, origin, zone, name, directory, port, signed):
        binaries = os.environ.get("SWB_BIN")
        if not binaries:
            raise dns_peers.Absent("SWB_BIN does not say where swb_publisher_bench has been built")
        self.store_ms, self.publish_ms = [], []
        self.log = os.path.join(directory, "log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [os.path.join(binaries, "swb_publisher_bench"), "--origin", origin, "--zone", zone, "--listen",
                 f"{dns_peers.HOST}:{port}", "--directory", directory, "--name", name] + (["--sign"] if signed else []),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.stop()
            raise RuntimeError(f"the controller does not start: {self.said()}")

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-1500:]

    def switch(self, number):
        address = dns_switching.address_of(number)
        self.process.stdin.write(address + "\n")
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if words[:2] != ["published", address]:
            raise RuntimeError(f"the controller said {words}: {self.said()}")
        self.store_ms.append(float(words[2]))
        self.publish_ms.append(float(words[3]))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def by_controller(signed):
    def measure(origin, zone, name, count):
        with dns_peers.work_directory() as directory:
            port = dns_peers.free_port()
            controller = Controller(origin, zone, name, directory, port, signed)
            try:
                times = timed(controller.switch, (dns_peers.HOST, port), name, count)
                return times, {"store": controller.store_ms, "publish": controller.publish_ms}
            finally:
                controller.stop()
    return measure


def update_message(origin, name, address):
    """RFC 2136: the name's A set becomes this one address."""
    removal = name_wire(name) + struct.pack("!HHIH", A, 255, 0, 0)
    addition = name_wire(name) + struct.pack("!HHIH", A, 1, 300, 4) + socket.inet_aton(address)
    return header(opcode=5, counts=(1, 0, 2, 0)) + name_wire(origin) + struct.pack("!HH", SOA, 1) + removal + addition


def by_update(server_name):
    def measure(origin, zone, name, count):
        with dns_peers.serving(server_name, dns_peers.Settings(origin, zone, updates=True)) as server:
            def change(number):
                reply = ask_udp(server.address, update_message(origin, name, dns_switching.address_of(number)), 10)
                if reply is None or reply[3] & 15:
                    raise RuntimeError(f"{server_name} did not take the update")
            return timed(change, server.address, name, count)
    return measure


def powerdns_with_api(settings, directory, port):
    """PowerDNS on SQLite, with its defaults otherwise; the file api-port says where its API listens."""
    if not os.path.exists(SCHEMA):
        raise dns_peers.Absent("the schema of pdns-backend-sqlite3 is not installed")
    database = f"{directory}/pdns.sqlite"
    with open(SCHEMA) as file, contextlib.closing(sqlite3.connect(database)) as session:
        session.executescript(file.read())
    api = dns_peers.free_port()
    dns_peers.write(f"{directory}/api-port", str(api))
    dns_peers.write(f"{directory}/pdns.conf", f"""launch=gsqlite3
gsqlite3-database={database}
local-address={dns_peers.HOST}
local-port={port}
socket-dir={directory}
webserver=yes
webserver-address={dns_peers.HOST}
webserver-port={api}
api=yes
api-key={API_KEY}
daemon=no
guardian=no
loglevel=3
""")
    subprocess.run([dns_peers.program("pdnsutil"), f"--config-dir={directory}", "load-zone", settings.origin,
                    settings.zone_file], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [dns_peers.program("pdns_server"), f"--config-dir={directory}"]


def by_api(origin, zone, name, count):
    dns_peers.PEERS["powerdns (sqlite)"] = powerdns_with_api
    try:
        with dns_peers.serving("powerdns (sqlite)", dns_peers.Settings(origin, zone)) as server:
            with open(f"{server.directory}/api-port") as file:
                connection = http.client.HTTPConnection(dns_peers.HOST, int(file.read()), timeout=10)

            def change(number):
                body = {"rrsets": [{"name": f"{name}.", "type": "A", "ttl": 300, "changetype": "REPLACE", "records":
                                    [{"content": dns_switching.address_of(number), "disabled": False}]}]}
                connection.request("PATCH", f"/api/v1/servers/localhost/zones/{origin}.", json.dumps(body),
                                   {"X-API-Key": API_KEY, "Content-Type": "application/json"})
                response = connection.getresponse()
                response.read()
                if response.status != 204:
                    raise RuntimeError(f"PowerDNS answered {response.status}")
            return timed(change, server.address, name, count)
    finally:
        del dns_peers.PEERS["powerdns (sqlite)"]


WAYS = (("swingbridge", "swingbridge, publish", ours),
        ("swingbridge", "swingbridge, controller: store, journal", by_controller(signed=False)),
        ("swingbridge", "swingbridge, the same, zone signed", by_controller(signed=True)),
        ("knot", "Knot, dynamic update", by_update("knot")),
        ("bind", "BIND, dynamic update", by_update("bind")),
        ("powerdns", "PowerDNS, HTTP API", by_api))


def measure(origin, zone, name, count, servers):
    """(label, milliseconds of each change, those of its parts by name where they are known) for each way."""
    for server, label, way in WAYS:
        if server not in servers:
            continue
        measured = way(origin, zone, name, count)
        yield (label, *measured) if isinstance(measured, tuple) else (label, measured, {})
