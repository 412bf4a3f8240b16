"""Secondaries: Knot, NSD, BIND, PowerDNS and our own node get a zone from our primary and follow its changes.

Each has the new address after a change, by NOTIFY and IXFR; the primary may restart, lose its history, or die.
"""
import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from dns_peers import HOST, free_port, program, work_directory, write  # noqa: E402
from dns_secondaries import (ALGORITHM, KEY, KINDS, OURS, Primary, Secondary, Settings, new_secret, until,  # noqa: E402
                             write_key_file)
from dns_wire import AXFR, REFUSED, SOA, Response, ask_udp, framed, name_wire, query  # noqa: E402

ORIGIN = "fo.example"
CATALOG = "catalog.example"


def dig(port, *arguments):
    return subprocess.run([program("dig"), f"@{HOST}", "-p", str(port), "+tries=1", "+time=5", *arguments],
                          capture_output=True, text=True, timeout=30).stdout


def signed(message, secret):
    """A request with a TSIG record, by RFC 8945 and nothing of ours."""
    now = int(time.time())
    timers = struct.pack("!HIH", now >> 32, now & 0xffffffff, 300)
    variables = name_wire(KEY) + struct.pack("!HI", 255, 0) + name_wire(ALGORITHM) + timers + struct.pack("!HH", 0, 0)
    mac = hmac.new(base64.b64decode(secret), message + variables, hashlib.sha256).digest()
    data = (name_wire(ALGORITHM) + timers + struct.pack("!H", len(mac)) + mac + message[:2] + struct.pack("!HH", 0, 0))
    return (message[:10] + b"\0\1" + message[12:] + name_wire(KEY) +
            struct.pack("!HHIH", 250, 255, 0, len(data)) + data)


class World:
    """A primary and secondaries of these kinds; what has been started is ended and removed."""

    def __init__(self, test, kinds, arguments=(), catalog=None):
        self.test, self.arguments = test, arguments
        self.secret = new_secret()
        self.port = free_port()
        context = work_directory()
        self.directory = context.__enter__()
        test.addCleanup(context.__exit__, None, None, None)
        settings = Settings(ORIGIN, self.port, self.secret, catalog)
        self.secondaries = [Secondary(kind, settings, free_port()) for kind in kinds]
        self.primary = None
        test.addCleanup(self.stop)
        self.start_primary()
        for secondary in self.secondaries:
            secondary.start()

    def start_primary(self, *arguments):
        self.primary = Primary(ORIGIN, self.port, self.directory, self.secret,
                               [secondary.port for secondary in self.secondaries], (*self.arguments, *arguments))

    def stop(self):
        for secondary in self.secondaries:
            secondary.stop()
            shutil.rmtree(secondary.directory, ignore_errors=True)
        if self.primary and self.primary.process.returncode is None:
            self.primary.stop()

    def wait_for(self, name, address, seconds=60):
        """Milliseconds until each secondary answers this address."""
        started = time.monotonic()
        waiting = {secondary.kind: secondary for secondary in self.secondaries}
        took = {}
        while waiting and time.monotonic() < started + seconds:
            for kind, secondary in list(waiting.items()):
                if secondary.answer(name) == socket.inet_aton(address):
                    took[kind] = round((time.monotonic() - started) * 1000)
                    del waiting[kind]
            time.sleep(0.001)
        for kind, secondary in waiting.items():
            self.test.fail(f"{kind} does not answer {address} for {name}:\n{secondary.log()[-3000:]}\n"
                           f"the primary:\n{self.primary.log()[-3000:]}")
        return took


def show(what, took):
    print(f"  {what}: " + ", ".join(f"{kind} {ms} ms" for kind, ms in sorted(took.items(), key=lambda item: item[1])),
          flush=True)


class SecondariesTest(unittest.TestCase):
    def test_each_follows_its_primary(self):
        world = World(self, KINDS)
        show("first transfer", world.wait_for(f"g0.{ORIGIN}", "203.0.113.10"))
        # NOTIFYs that came before a server was ready are repeated; let that end.
        self.assertTrue(until(lambda: all(state[1] for state in world.primary.states().values())), world.primary.states())
        slowest = {kind: [] for kind in KINDS}
        for last in range(20, 25):
            serial = world.primary.set("g0", f"203.0.113.{last}")
            for kind, ms in world.wait_for(f"g0.{ORIGIN}", f"203.0.113.{last}").items():
                slowest[kind].append(ms)
        show("a change, median of 5", {kind: sorted(times)[2] for kind, times in slowest.items()})
        self.assertTrue(until(lambda: all(state[:2] == (serial, serial) for state in world.primary.states().values())),
                        world.primary.states())
        log = world.primary.log()
        self.assertGreaterEqual(log.count(": differences,"), 5 * (len(KINDS) - 1), log[-3000:])

        world.primary.stop()
        world.start_primary()
        world.primary.set("g1", "203.0.113.31")
        show("after a restart of the primary", world.wait_for(f"g1.{ORIGIN}", "203.0.113.31"))

        world.primary.command("forget")
        before = world.primary.log().count(": whole zone,")
        world.primary.set("g2", "203.0.113.32")
        show("without history", world.wait_for(f"g2.{ORIGIN}", "203.0.113.32"))
        self.assertGreaterEqual(world.primary.log().count(": whole zone,"), before + len(KINDS), world.primary.log())

    def test_wrong_keys_and_strangers_get_nothing(self):
        world = World(self, [])
        key = f"{ALGORITHM}:{KEY}:"
        self.assertIn("Transfer failed", dig(world.port, ORIGIN, "AXFR"))
        refused = dig(world.port, "-y", key + new_secret(), ORIGIN, "AXFR")
        self.assertIn("Transfer failed", refused)
        self.assertNotIn("203.0.113.10", refused)
        good = dig(world.port, "-y", key + world.secret, ORIGIN, "AXFR")
        self.assertIn("203.0.113.10", good)
        self.assertNotIn("verify", good.lower())
        answer = dig(world.port, "-y", key + world.secret, f"g0.{ORIGIN}", "A")
        self.assertIn("status: NOERROR", answer)
        self.assertIn("TSIG", answer)
        self.assertNotIn("Couldn't verify", answer)
        bad = dig(world.port, "-y", key + new_secret(), f"g0.{ORIGIN}", "A")
        self.assertIn("NOTAUTH", bad)
        self.assertIn("BADSIG", bad)
        unknown = dig(world.port, "-y", f"{ALGORITHM}:nobody.example:{world.secret}", f"g0.{ORIGIN}", "A")
        self.assertIn("BADKEY", unknown)
        for algorithm in ("hmac-sha512", "hmac-sha1", "hmac-md5"):
            other = dig(world.port, "-y", f"{algorithm}:{KEY}:{world.secret}", f"g0.{ORIGIN}", "A")
            self.assertIn("BADKEY", other, algorithm)
        # A secondary with the wrong secret stays empty.
        settings = Settings(ORIGIN, world.port, new_secret())
        for kind in ("knot", OURS):
            stranger = Secondary(kind, settings, free_port())
            world.secondaries.append(stranger)
            stranger.start()
            told = ("BADSIG", "failed to verify TSIG")
            self.assertTrue(until(lambda: any(text in stranger.log() for text in told)), stranger.log())
            self.assertIsNone(stranger.answer(f"g0.{ORIGIN}"))
        self.assertNotIn(world.secret, world.primary.log())

    def test_own_node_outlives_its_primary(self):
        world = World(self, [OURS])
        node = world.secondaries[0]
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.10")
        for last in (20, 21):
            world.primary.set("g0", f"203.0.113.{last}")
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.21")
        world.primary.kill()
        self.assertEqual(node.answer(f"g0.{ORIGIN}"), socket.inet_aton("203.0.113.21"))
        node.stop()
        node.start()
        show("restarted without a primary", world.wait_for(f"g0.{ORIGIN}", "203.0.113.21"))
        # Its own process dies hard, in the middle of anything.
        node.process.kill()
        node.process.wait()
        node.start()
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.21")
        # A primary that has gone back to an older decision, under a newer serial.
        shutil.rmtree(f"{world.directory}/zone")
        world.start_primary("--serial", "1000")
        self.assertTrue(until(lambda: "SWB-EPOCH-OLD" in node.log()), node.log())
        self.assertEqual(node.answer(f"g0.{ORIGIN}"), socket.inet_aton("203.0.113.21"))
        # Once the group's epoch is as high, it is followed again.
        for last in (40, 41, 42):
            world.primary.set("g0", f"203.0.113.{last}")
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.42")

    def test_own_node_says_how_its_zones_are(self):
        world = World(self, [OURS])
        node = world.secondaries[0]
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.10")
        self.assertTrue(until(lambda: node.status()[0] == 0, pause=0.1))
        _, before = node.status()
        zone = before["zones"][0]
        self.assertTrue(before["running"])
        self.assertEqual((zone["zone"], zone["stale"], zone["expired"], zone["lastError"]),
                         (f"{ORIGIN}.", False, False, None))
        serial = world.primary.set("g0", "203.0.113.20")
        self.assertTrue(until(lambda: node.status()[1]["zones"][0]["serial"] == serial, 3, 0.05), node.status())
        self.assertGreater(node.status()[1]["zones"][0]["lastChangeAt"], zone["lastChangeAt"])
        world.primary.kill()
        self.assertTrue(until(lambda: node.status()[1]["zones"][0]["lastError"], 20, 0.2))
        self.assertIn("SWB-UNREACHABLE", node.status()[1]["zones"][0]["lastError"])
        text = subprocess.run([*node.argv, "--status"], capture_output=True, text=True, timeout=10)
        self.assertRegex(text.stdout, rf"the node runs\n{ORIGIN}\.  current  serial {serial}  heard 2")
        node.process.kill()
        node.process.wait()
        state = f"{node.directory}/zones/state.json"
        with open(state) as file:
            document = json.load(file)
        document["at"] -= 60_000
        write(state, json.dumps(document))
        code, after = node.status()
        self.assertEqual((code, after["running"]), (1, False))

    def test_own_node_without_its_key_answers_and_waits(self):
        world = World(self, [OURS])
        node = world.secondaries[0]
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.10")
        node.stop()
        os.remove(f"{node.directory}/xfer.key")
        world.primary.set("g0", "203.0.113.20")
        before = world.primary.log().count("transfer of")
        node.start()
        show("without its key, from the disk", world.wait_for(f"g0.{ORIGIN}", "203.0.113.10"))
        self.assertTrue(until(lambda: "keys are missing" in node.log(), 5), node.log())
        self.assertTrue(until(lambda: node.status()[1]["zones"][0]["lastError"], 5, 0.05))
        self.assertIn(KEY, node.status()[1]["zones"][0]["lastError"])
        world.primary.set("g0", "203.0.113.21")
        time.sleep(1)
        self.assertEqual(node.answer(f"g0.{ORIGIN}"), socket.inet_aton("203.0.113.10"))
        self.assertEqual(world.primary.log().count("transfer of"), before, "it has asked without the key")
        write_key_file(node.directory, world.secret)
        show("with its key again", world.wait_for(f"g0.{ORIGIN}", "203.0.113.21", 10))
        # NOTIFY with that key is taken too.
        world.primary.set("g0", "203.0.113.22")
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.22", 3)

    def test_notify_from_strangers_is_refused(self):
        world = World(self, [OURS])
        node = world.secondaries[0]
        world.wait_for(f"g0.{ORIGIN}", "203.0.113.10")
        reply = Response(ask_udp(node.address, query(ORIGIN, SOA, opcode=4)))
        self.assertEqual(reply.rcode, REFUSED)
        reply = Response(ask_udp((HOST, world.port), query(ORIGIN, SOA, opcode=4)))
        self.assertEqual(reply.rcode, REFUSED)

    def test_catalog_configures_secondaries(self):
        world = World(self, ["knot", "bind"], ("--catalog", CATALOG), CATALOG)
        show("zone learnt from the catalog", world.wait_for(f"g0.{ORIGIN}", "203.0.113.10"))
        listed = dig(world.port, "-y", f"{ALGORITHM}:{KEY}:{world.secret}", CATALOG, "AXFR")
        self.assertIn(f"version.{CATALOG}.", listed)
        self.assertRegex(listed, rf"PTR\s+{ORIGIN}\.")

    def test_a_slow_reader_holds_up_nobody(self):
        world = World(self, [], ("--groups", "20000"))
        key = f"{ALGORITHM}:{KEY}:{world.secret}"
        message = signed(query(ORIGIN, AXFR), world.secret)
        with socket.create_connection((HOST, world.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(framed(message))
            time.sleep(0.2)
            started = time.monotonic()
            complete = dig(world.port, "-y", key, ORIGIN, "AXFR")
            print(f"  20,000 groups to one client while another does not read: {time.monotonic() - started:.2f} s")
            self.assertIn(f"g19999.{ORIGIN}.", complete)
            self.assertIn("NOERROR", dig(world.port, "+tcp", f"g0.{ORIGIN}", "A"))


if __name__ == "__main__":
    unittest.main()
