"""Behaviours of an authoritative server, packet by packet. A case takes a Probe and returns None, or what is wrong."""
import random
import socket
import struct

from dns_wire import (A, AA, AAAA, AD, ANY, AXFR, BADCOOKIE, BADVERS, CD, CNAME, COOKIE, DO, DS, EDE, EXPIRE, FORMERR,
                      IXFR, NOERROR, NOTAUTH, NOTIMP, NS, NSID, NXDOMAIN, OPT, QR, RA, RD, REFUSED, SOA, TC, TXT, Z,
                      ZONEVERSION, Response, ask_tcp, ask_udp, framed, header, name_wire, opt, option, query,
                      receive_framed)
from dns_zone import ORIGIN, SERIAL

CASES = []
EXTRA = []  # nice to have: asserted for ours, and no deviation of others
SILENCE_SECONDS = 0.4


def case(name, rows=CASES):
    def add(function):
        rows.append((name, function))
        return function
    return add


def extra(name):
    return case(name, EXTRA)


class Wrong(Exception):
    pass


def want(condition, problem):
    if not condition:
        raise Wrong(problem)


class Probe:
    """One server, asked."""

    def __init__(self, address):
        self.address = address

    def send(self, message, tcp=False):
        raw = (ask_tcp if tcp else ask_udp)(self.address, message)
        want(raw is not None, "no answer")
        try:
            response = Response(raw)
        except (ValueError, IndexError, struct.error) as problem:
            raise Wrong(f"malformed answer: {problem}") from problem
        want(response.ident == message[0] << 8 | message[1], "another ID")
        want(response.has(QR), "QR=0")
        return response

    def ask(self, owner, kind, tcp=False, **more):
        name = ORIGIN if owner == "@" else f"{owner}.{ORIGIN}" if not owner.endswith(".") else owner
        return self.send(query(name, kind, **more), tcp)


def want_rcode(response, *allowed):
    want(response.rcode in allowed, f"RCODE {response.rcode}")


def want_negative(response, rcode):
    want_rcode(response, rcode)
    want(response.has(AA), "AA=0")
    want(not response.answer, "records in the answer")
    soas = [record for record in response.authority if record.kind == SOA]
    want(len(soas) == 1, "no SOA in the authority section")
    want(soas[0].ttl == 300, f"negative TTL {soas[0].ttl}, not 300")


def want_data(response, kinds):
    want_rcode(response, NOERROR)
    want(response.has(AA), "AA=0")
    want(response.kinds() == kinds, f"answer {response.kinds()}")


# --- RFC 1034, 1035, 2308, 4592, 8020: data and its absence


@case("NODATA with SOA, negative TTL")
def no_data(probe):
    want_negative(probe.ask("shop", AAAA), NOERROR)


@case("NXDOMAIN with SOA, negative TTL")
def no_name(probe):
    want_negative(probe.ask("nothere", A), NXDOMAIN)
    want_negative(probe.ask("below.shop", A), NXDOMAIN)


@case("8020 empty non-terminal is NODATA")
def empty_non_terminal(probe):
    want_negative(probe.ask("deep", A), NOERROR)


@case("4592 wildcard")
def wildcard(probe):
    want_data(probe.ask("any.wild", A), [A])
    want_data(probe.ask("a.b.c.wild", A), [A])
    want_negative(probe.ask("any.wild", TXT), NOERROR)


@case("4592 wildcard ends at closer names")
def wildcard_blocked(probe):
    want_negative(probe.ask("y.wild", A), NOERROR)
    want_negative(probe.ask("z.y.wild", A), NXDOMAIN)
    want_negative(probe.ask("wild", A), NOERROR)


@case("4592 wildcard CNAME")
def wildcard_alias(probe):
    want_data(probe.ask("some.alias", A), [CNAME, A])


@case("CNAME chased in the zone")
def alias(probe):
    want_data(probe.ask("www", A), [CNAME, A])
    want_data(probe.ask("deepalias", A), [CNAME, CNAME, A])
    want_data(probe.ask("www", CNAME), [CNAME])


@case("CNAME out of the zone")
def alias_away(probe):
    want_data(probe.ask("away", A), [CNAME])


@case("6604 RCODE of the chain's last name")
def alias_broken(probe):
    response = probe.ask("broken", A)
    want_rcode(response, NXDOMAIN)
    want(response.kinds() == [CNAME] and response.has(AA), f"answer {response.kinds()}")


@case("one TTL per set, whole sets")
def whole_set(probe):
    response = probe.ask("many", A)
    want_data(response, [A, A, A])
    want({record.ttl for record in response.answer} == {300}, "TTL")


@case("referral: AA=0, NS, glue")
def referral(probe):
    for owner in ("sub", "a.b.sub"):
        response = probe.ask(owner, A)
        want_rcode(response, NOERROR)
        want(not response.has(AA), "AA=1")
        want(not response.answer, "an answer")
        want(response.kinds("authority").count(NS) == 2, f"authority {response.kinds('authority')}")
        want(A in response.kinds("additional"), "no glue")


@case("4035 DS from the parent's side")
def parent_side(probe):
    want_data(probe.ask("sub", DS), [DS])
    want_negative(probe.ask("plain", DS), NOERROR)


@case("3597 unknown types")
def unknown_type(probe):
    response = probe.ask("odd", 1000)
    want_data(response, [1000])
    want(response.answer[0].data == b"\xab\xcd\xef", "data")
    want_negative(probe.ask("nothere", 1000), NXDOMAIN)


@case("9460 HTTPS record")
def https(probe):
    want_data(probe.ask("svc", 65), [65])


@case("8482 ANY is not the lot")
def any_type(probe):
    response = probe.ask("@", ANY)
    want_rcode(response, NOERROR)
    want(len(set(response.kinds())) == 1, f"types {sorted(set(response.kinds()))}")


# --- not ours


@case("outside: REFUSED, no referral, RA=0")
def outside(probe):
    for owner in ("example.", ".", f"x{ORIGIN}.", "other.example."):
        response = probe.send(query(owner, A))
        want_rcode(response, REFUSED)
        want(not response.has(AA), "AA=1")
        want(not response.has(RA), "RA=1")
        want(not response.answer and not response.authority, "records")


@case("other classes: refused")
def other_class(probe):
    for number in (3, 4, 4711):
        response = probe.ask("shop", A, record_class=number)
        want_rcode(response, REFUSED, NOTIMP, NOTAUTH)
        want(not response.answer, f"class {number} answered")


# --- header and question


@case("flags: RD copied, RA AD CD Z not set")
def flags(probe):
    response = probe.ask("@", SOA, flags=RD | AD | CD | Z)
    want(response.has(RD), "RD lost")
    for name, flag in (("RA", RA), ("AD", AD), ("Z", Z)):
        want(not response.has(flag), f"{name}=1")
    want(not probe.ask("@", SOA).has(RD), "RD invented")


@case("4343 the question comes back byte for byte")
def mixed_case(probe):
    message = query("sHoP." + ORIGIN.title(), A)
    response = probe.send(message)
    want(response.raw[12:len(message)] == message[12:], "question changed")
    want_data(response, [A])


@case("responses are not answered")
def response_sent(probe):
    for flag in (QR, QR | AA):
        raw = ask_udp(probe.address, query(ORIGIN, SOA, flags=flag), SILENCE_SECONDS)
        want(raw is None, "a response was answered")


@case("less than a header is not answered")
def scrap(probe):
    for length in (0, 1, 11):
        want(ask_udp(probe.address, bytes(length), SILENCE_SECONDS) is None, f"{length} octets were answered")


@case("9619 two questions: FORMERR")
def two_questions(probe):
    tail = name_wire(ORIGIN) + struct.pack("!HH", SOA, 1)
    want_rcode(probe.send(header(counts=(2, 0, 0, 0)) + tail + tail), FORMERR)


@case("no question: FORMERR")
def no_question(probe):
    want_rcode(probe.send(header()), FORMERR)


@case("malformed names: FORMERR")
def malformed_names(probe):
    for name in (b"\xc0\x0c", b"\xc0\x12", b"\x40x\0", b"\x3fx", b"\x80\0", b"\3abc\xc0\x0c"):
        want_rcode(probe.send(header(counts=(1, 0, 0, 0)) + name + struct.pack("!HH", A, 1)), FORMERR)


@case("a name of 256 octets: FORMERR")
def long_name(probe):
    long = b"".join(b"\x3f" + b"a" * 63 for _ in range(4)) + b"\0"
    want_rcode(probe.send(header(counts=(1, 0, 0, 0)) + long + struct.pack("!HH", A, 1)), FORMERR)


@case("counts that are not there: FORMERR")
def missing_records(probe):
    message = bytearray(query(ORIGIN, SOA))
    message[11] = 1
    want_rcode(probe.send(bytes(message)), FORMERR)


@case("opcodes nobody has: NOTIMP, with OPT")
def opcodes(probe):
    for opcode in (1, 2, 3, 6, 7, 14, 15):
        response = probe.ask("@", SOA, opcode=opcode)
        want_rcode(response, NOTIMP)
        want(response.opcode == opcode, "another opcode")
        want(not response.has(AA), "AA=1")
        want_rcode(probe.send(header(opcode=opcode)), NOTIMP)
    want(probe.ask("@", SOA, opcode=15, edns=opt()).opts, "no OPT")


@case("NOTIFY of a stranger: REFUSED or NOTAUTH")
def notify(probe):
    want_rcode(probe.ask("@", SOA, opcode=4, flags=AA), REFUSED, NOTAUTH)
    want_rcode(probe.send(query("other.example", SOA, opcode=4, flags=AA)), REFUSED, NOTAUTH)


@case("UPDATE of a stranger: not done")
def update(probe):
    record = name_wire(f"new.{ORIGIN}") + struct.pack("!HHIH", A, 1, 60, 4) + bytes([192, 0, 2, 1])
    message = header(opcode=5, counts=(1, 0, 1, 0)) + name_wire(ORIGIN) + struct.pack("!HH", SOA, 1) + record
    want_rcode(probe.send(message), REFUSED, NOTAUTH, NOTIMP)
    want_rcode(probe.ask("new", A), NXDOMAIN)


@case("transfers of a stranger: refused")
def transfers(probe):
    for kind in (AXFR, IXFR):
        for tcp in (False, True):
            response = probe.ask("@", kind, tcp=tcp)
            want_rcode(response, REFUSED, NOTAUTH, FORMERR, NOTIMP)
            want(not response.answer, "records")
    want_rcode(probe.send(query("other.example", AXFR), tcp=True), REFUSED, NOTAUTH)


# --- RFC 6891


@case("6891 OPT only when asked, one, of the root")
def opt_mirrored(probe):
    want(not probe.ask("shop", A).opts, "an OPT not asked for")
    response = probe.ask("shop", A, edns=opt())
    want(len(response.opts) == 1 and response.opts[0].name == ".", "OPT")
    want(response.opts[0].record_class >= 512, "small buffer")


@case("6891 version: BADVERS, DO copied, no data")
def version(probe):
    response = probe.ask("@", SOA, edns=opt(version=3, flags=0xffff))
    want_rcode(response, BADVERS)
    want(not response.answer and not response.has(AA), "data or AA")
    want(response.opts[0].ttl & 0xffffff == DO, f"flags {response.opts[0].ttl & 0xffffff:x}")


@case("6891 two OPT records: FORMERR")
def two_opts(probe):
    want_rcode(probe.ask("@", SOA, edns=[opt(), opt()]), FORMERR)


@case("6891 malformed option: FORMERR")
def malformed_option(probe):
    want_rcode(probe.ask("@", SOA, edns=opt(b"\0\x64\0\x09\1")), FORMERR)


@case("6891 buffer below 512 means 512")
def small_buffer(probe):
    response = probe.ask("many", A, edns=opt(size=0))
    want_data(response, [A, A, A])


@case("UDP answers end at 1232 octets")
def large_buffer(probe):
    for size in (512, 1232, 4096, 65535):
        response = probe.ask("big", TXT, edns=opt(size=size))
        want(len(response.raw) <= min(size, 1232), f"{len(response.raw)} octets")
        want(response.has(TC) and response.opts, "not truncated, or without OPT")


@case("512 octets without EDNS")
def no_edns_size(probe):
    response = probe.ask("big", TXT)
    want(len(response.raw) <= 512 and response.has(TC), f"{len(response.raw)} octets")


# --- RFC 7766


@case("7766 pipelining")
def pipelining(probe):
    kinds = [(ident, "shop" if ident % 2 else "big", A if ident % 2 else TXT) for ident in range(1, 51)]
    with socket.create_connection(probe.address, 3) as client:
        client.settimeout(3)
        client.sendall(b"".join(framed(query(f"{owner}.{ORIGIN}", kind, ident=ident)) for ident, owner, kind in kinds))
        seen = set()
        for _ in kinds:
            raw = receive_framed(client)
            want(raw, "the connection ended early")
            response = Response(raw)
            want(not response.has(TC) and len(response.answer) == (1 if response.ident % 2 else 10), "incomplete")
            seen.add(response.ident)
        want(len(seen) == len(kinds), "an answer twice")


@case("7766 length and message in one segment")
def one_segment(probe):
    with socket.create_connection(probe.address, 3) as client:
        client.settimeout(3)
        for octet in framed(query(f"shop.{ORIGIN}", A)):
            client.sendall(bytes([octet]))
        data = client.recv(65535)
        want(len(data) > 2 and len(data) == struct.unpack("!H", data[:2])[0] + 2, "in pieces")


@case("7766 end in order, not by reset")
def orderly_end(probe):
    with socket.create_connection(probe.address, 3) as client:
        client.settimeout(3)
        client.sendall(framed(query(f"shop.{ORIGIN}", A)))
        client.shutdown(socket.SHUT_WR)
        want(receive_framed(client), "a half-closed connection is not answered")
        want(client.recv(1) == b"", "no end")


# --- RFC 7873, 9018


@case("7873 cookie given and accepted")
def cookie(probe):
    client = random.randbytes(8)
    first = probe.ask("@", SOA, edns=opt(option(COOKIE, client)))
    want(COOKIE in first.options, "no cookie")
    given = first.options[COOKIE]
    want(given[:8] == client and len(given) == 24 and given[8] == 1, "form")
    again = probe.ask("@", SOA, edns=opt(option(COOKIE, given)))
    want(again.options.get(COOKIE, b"")[:8] == client, "cookie lost")
    want_rcode(again, NOERROR)


@case("7873 wrong length: FORMERR")
def cookie_length(probe):
    for length in (0, 7, 9, 15, 41):
        want_rcode(probe.ask("@", SOA, edns=opt(option(COOKIE, bytes(length)))), FORMERR)


@case("7873 cookie without a question")
def cookie_only(probe):
    bare = header(counts=(0, 0, 0, 1))
    response = probe.send(bare + opt(option(COOKIE, bytes(8))))
    want_rcode(response, NOERROR)
    want(len(response.options.get(COOKIE, b"")) == 24, "no cookie")
    want_rcode(probe.send(bare + opt(option(COOKIE, response.options[COOKIE]))), NOERROR)
    want_rcode(probe.send(bare + opt(option(COOKIE, bytes(24)))), BADCOOKIE)


@case("7873 a wrong cookie costs nothing but rights")
def cookie_wrong(probe):
    want_rcode(probe.ask("@", SOA, edns=opt(option(COOKIE, bytes(24)))), NOERROR, BADCOOKIE)


# --- nice to have


@extra("5001 NSID")
def nsid(probe):
    want(probe.ask("@", SOA, edns=opt(option(NSID))).options.get(NSID), "none")


@extra("9660 ZONEVERSION")
def zone_version(probe):
    got = probe.ask("shop", A, edns=opt(option(ZONEVERSION))).options.get(ZONEVERSION)
    want(got == struct.pack("!BBI", 2, 0, SERIAL), f"{got}")
    want_rcode(probe.ask("shop", A, edns=opt(option(ZONEVERSION, b"\0"))), FORMERR)


@extra("7314 EXPIRE")
def expire(probe):
    got = probe.ask("@", SOA, edns=opt(option(EXPIRE))).options.get(EXPIRE)
    want(got == struct.pack("!I", 1209600), f"{got}")


@extra("8914 extended error with REFUSED")
def extended_error(probe):
    got = probe.send(query("other.example", A, edns=opt())).options.get(EDE)
    want(got and got[:2] == b"\0\x14", f"{got}")
    want(OPT not in probe.send(query("other.example", A)).kinds("additional"), "OPT not asked for")


@extra("minimal answers: nothing but what was asked")
def minimal(probe):
    response = probe.ask("shop", A)
    want(not response.authority and not response.additional, "more")
