"""DNS messages by hand: queries with every octet under the test's control, and responses taken apart."""
import contextlib
import socket
import struct

A, NS, CNAME, SOA, TXT, AAAA, OPT, DS, RRSIG, NSEC, DNSKEY, IXFR, AXFR, ANY = \
    1, 2, 5, 6, 16, 28, 41, 43, 46, 47, 48, 251, 252, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH, BADVERS, BADCOOKIE = 0, 1, 2, 3, 4, 5, 9, 16, 23
QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
DO = 0x8000
NSID, EXPIRE, COOKIE, EDE, ZONEVERSION = 3, 9, 10, 15, 19

LABEL_MAX = 63


def name_wire(text):
    labels = [label.encode() for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def option(code, data=b""):
    return struct.pack("!HH", code, len(data)) + data


def opt(options=b"", version=0, flags=0, size=1232):
    return b"\0" + struct.pack("!HHBBHH", OPT, size, 0, version, flags, len(options)) + options


def query(name, kind, *, flags=0, opcode=0, edns=None, ident=0x1234, record_class=1):
    """edns: an OPT record as opt() makes it, or a list of them."""
    records = [] if edns is None else edns if isinstance(edns, list) else [edns]
    head = struct.pack("!6H", ident, flags | opcode << 11, 1, 0, 0, len(records))
    return head + name_wire(name) + struct.pack("!HH", kind, record_class) + b"".join(records)


def header(*, flags=0, opcode=0, counts=(0, 0, 0, 0), ident=0x1234):
    return struct.pack("!6H", ident, flags | opcode << 11, *counts)


class Record:
    def __init__(self, name, kind, record_class, ttl, data, start):
        self.name, self.kind, self.record_class, self.ttl, self.data, self.start = \
            name, kind, record_class, ttl, data, start


class Response:
    """Everything of a well-formed response; a malformed one raises ValueError."""

    def __init__(self, raw):
        self.raw = raw
        if len(raw) < 12:
            raise ValueError("shorter than a header")
        self.ident, self.flags, questions, *counts = struct.unpack("!6H", raw[:12])
        self.opcode, self.rcode = self.flags >> 11 & 15, self.flags & 15
        self.position = 12
        self.questions = [(self._name(), *self._take("!HH")) for _ in range(questions)]
        self.answer, self.authority, self.additional = ([self._record() for _ in range(count)] for count in counts)
        if self.position != len(raw):
            raise ValueError("octets behind the end")
        self.opts = [record for record in self.additional if record.kind == OPT]
        self.options = {}
        for record in self.opts:
            self.rcode |= record.ttl >> 24 << 4
            self._read_options(record.data)

    def _read_options(self, data):
        at = 0
        while at < len(data):
            code, length = struct.unpack_from("!HH", data, at)
            self.options[code] = data[at + 4:at + 4 + length]
            at += 4 + length

    def _take(self, layout):
        values = struct.unpack_from(layout, self.raw, self.position)
        self.position += struct.calcsize(layout)
        return values

    def _name(self):
        labels, position, jumped, barrier = [], self.position, False, self.position
        while True:
            length = self.raw[position]
            if length & 0xc0 == 0xc0:
                target = (length & 0x3f) << 8 | self.raw[position + 1]
                if target >= barrier:
                    raise ValueError("a pointer that does not go backwards")
                if not jumped:
                    self.position = position + 2
                jumped, position, barrier = True, target, target
                continue
            if length > LABEL_MAX:
                raise ValueError("a label of an unknown kind")
            position += 1
            if length == 0:
                break
            labels.append(self.raw[position:position + length].decode("latin-1"))
            position += length
        if not jumped:
            self.position = position
        return ".".join(labels) + "."

    def _record(self):
        start = self.position
        name = self._name()
        kind, record_class, ttl, length = self._take("!HHIH")
        data = self.raw[self.position:self.position + length]
        if len(data) != length:
            raise ValueError("a record over the end")
        self.position += length
        return Record(name, kind, record_class, ttl, data, start)

    def has(self, flag):
        return bool(self.flags & flag)

    def kinds(self, section="answer"):
        return [record.kind for record in getattr(self, section) if record.kind != OPT]


def ask_udp(server, message, seconds=2.0):
    """The reply's octets, or None when none came. server: (host, port)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.connect(server)
        client.send(message)
        with contextlib.suppress(OSError):
            return client.recv(65535)
    return None


def framed(message):
    return struct.pack("!H", len(message)) + message


def receive_exactly(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def receive_framed(client):
    length = receive_exactly(client, 2)
    return receive_exactly(client, struct.unpack("!H", length)[0]) if length else None


def ask_tcp(server, message, seconds=2.0):
    with socket.create_connection(server, seconds) as client:
        client.settimeout(seconds)
        client.sendall(framed(message))
        with contextlib.suppress(OSError):
            return receive_framed(client)
    return None
