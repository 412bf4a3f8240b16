"""The zone of the conformance suite, one record a line, so that every server reads the same file."""

ORIGIN = "conf.example"
SERIAL = 7

# owner (relative; @ is the apex), TTL, type, data
_RECORDS = """
@ 3600 SOA ns1.conf.example. hostmaster.conf.example. 7 14400 3600 1209600 300
@ 3600 NS ns1.conf.example.
@ 3600 NS ns2.conf.example.
@ 600 MX 10 mail.conf.example.
@ 600 TXT "apex"
ns1 3600 A 192.0.2.1
ns1 3600 AAAA 2001:db8::1
ns2 3600 A 192.0.2.2
mail 600 A 192.0.2.3
shop 300 A 203.0.113.10
blog 60 A 203.0.113.20
blog 60 AAAA 2001:db8::20
many 300 A 203.0.113.31
many 300 A 203.0.113.32
many 300 A 203.0.113.33
www 600 CNAME shop.conf.example.
away 600 CNAME elsewhere.example.
broken 600 CNAME missing.conf.example.
deepalias 600 CNAME www.conf.example.
note 600 TXT "hello world" "second string"
a.deep 600 A 192.0.2.77
*.wild 600 A 192.0.2.88
x.y.wild 600 A 192.0.2.89
*.alias 600 CNAME shop.conf.example.
sub 600 NS ns.sub.conf.example.
sub 600 NS ns.other.example.
sub 600 TYPE43 \\# 36 30390d0249fd46e6c4b45c55d4ac69cbd3cd34ac1afe51de2ebec8c6c6c6c6c6c6c6c6c6
plain 600 NS ns.other.example.
ns.sub 600 A 192.0.2.99
odd 600 TYPE1000 \\# 3 abcdef
svc 600 TYPE65 \\# 3 000100
"""
BIG = [f'big 600 TXT "{letter * 200}"' for letter in "abcdefghij"]


def records():
    """(absolute owner, TTL, type, data)"""
    for line in _RECORDS.strip().splitlines() + BIG:
        owner, ttl, kind, data = line.split(" ", 3)
        yield (f"{ORIGIN}." if owner == "@" else f"{owner}.{ORIGIN}.", ttl, kind, data)


def write_zone(path):
    with open(path, "w") as file:
        for owner, ttl, kind, data in records():
            file.write(f"{owner}\t{ttl}\tIN\t{kind}\t{data}\n")
    return path
