"""Compliance by dig: RFC 8906's list of queries and ISC's EDNS list, and what each answer must and must not show.

A case is (name, arguments of dig, texts that must be in its output, texts that must not be).
"""
from dns_zone import ORIGIN as Z

OK, AA, NO_AA = "status: NOERROR", "flags: qr aa;", "flags: qr;"
ONE, NONE, OPT0, MBZ, BADVERS = "ANSWER: 1", "ANSWER: 0", "EDNS: version: 0", "MBZ", "status: BADVERS"
PLAIN = ["+noedns", "+noad", "+norec"]
EDNS = ["+nocookie", "+noad", "+norec"]
V1 = [*EDNS, "+edns=1", "+noednsneg"]

CASES = [
    ("8906 plain SOA", [*PLAIN, "soa", Z], [OK, AA, ONE], ["EDNS:"]),
    ("8906 unknown type", [*PLAIN, "type1000", Z], [OK, AA, NONE, "AUTHORITY: 1"], []),
    ("8906 CD", [*PLAIN, "+cd", "soa", Z], [OK, ONE, "flags: qr aa"], []),
    ("8906 AD", ["+noedns", "+norec", "+ad", "soa", Z], [OK, AA, ONE], []),
    ("8906 Z", [*PLAIN, "+zflag", "soa", Z], [OK, AA, ONE], [MBZ]),
    ("8906 unknown opcode", [*PLAIN, "+opcode=15", "+header-only"], ["status: NOTIMP", NO_AA], []),
    ("8906 TCP", [*PLAIN, "+tcp", "soa", Z], [OK, AA, ONE, "(TCP)"], []),
    ("8906 EDNS", [*EDNS, "+edns=0", "soa", Z], [OK, AA, ONE, OPT0], []),
    ("8906 EDNS version 1", [*V1, "soa", Z], [BADVERS, NO_AA, OPT0, NONE], []),
    ("8906 unknown option", [*EDNS, "+edns=0", "+ednsopt=100", "soa", Z], [OK, AA, ONE, OPT0], ["OPT=100"]),
    ("8906 unknown flag", [*EDNS, "+edns=0", "+ednsflags=0x40", "soa", Z], [OK, AA, ONE, OPT0], [MBZ]),
    ("8906 version 1, flag", [*V1, "+ednsflags=0x40", "soa", Z], [BADVERS, NO_AA, OPT0], [MBZ]),
    ("8906 version 1, option", [*V1, "+ednsopt=100", "soa", Z], [BADVERS, NO_AA, OPT0], ["OPT=100"]),
    ("8906 DO", [*EDNS, "+edns=0", "+dnssec", "soa", Z], [OK, AA, ONE, "flags: do"], []),
    ("8906 version 1, DO", [*V1, "+dnssec", "soa", Z], [BADVERS, NO_AA, "flags: do"], []),
    ("8906 all options", ["+edns=0", "+noad", "+norec", "+cookie", "+nsid", "+expire", "+subnet=0.0.0.0/0", "soa", Z],
     [OK, AA, ONE, OPT0], []),
    ("8906 truncation keeps OPT", ["+norec", "+noad", "+dnssec", "+bufsize=512", "+ignore", "txt", f"big.{Z}"],
     [OK, "flags: qr aa tc;", OPT0], []),
    ("8906 DNSKEY in 512 octets", ["+norec", "+noad", "+dnssec", "+bufsize=512", "+ignore", "dnskey", Z],
     [OK, OPT0], []),
    ("ISC version 100", [*EDNS, "+edns=100", "+noednsneg", "soa", Z], [BADVERS, NO_AA, OPT0], []),
    ("ISC flag 0x80", [*EDNS, "+edns=0", "+ednsflags=0x80", "soa", Z], [OK, AA, OPT0], [MBZ]),
    ("truncated, then TCP", [*EDNS, "txt", f"big.{Z}"], [OK, AA, "ANSWER: 10", "(TCP)"], []),
    ("recursion wanted", ["+rec", "+noedns", "+noad", "soa", Z],
     [OK, "flags: qr aa rd;", "recursion requested but not available"], []),
    ("AXFR of a stranger", [*PLAIN, "axfr", Z], ["Transfer failed"], []),
    ("IXFR of a stranger", [*PLAIN, "ixfr=1", Z], ["Transfer failed"], []),
    ("CHAOS", [*PLAIN, "ch", "a", Z], ["status: REFUSED", NO_AA], []),
    ("case of the question", [*PLAIN, "a", f"SHOP.{Z.upper()}"], [OK, AA, f"SHOP.{Z.upper()}.", "203.0.113.10"], []),
]


def arguments(words, host, port):
    return ["dig", *words, "+tries=1", "+time=3", "-p", str(port), f"@{host}"]


def problem_of(output, wanted, unwanted):
    """None, or what is wrong, short enough for a table's foot."""
    for text in wanted:
        if text not in output:
            shown = next((line for line in output.splitlines() if "status:" in line or "flags: qr" in line), "no answer")
            return f"no '{text}' ({shown.strip(' ;')})"
    for text in [*unwanted, "malformed"]:
        if text in output:
            return f"'{text}'"
    return None
