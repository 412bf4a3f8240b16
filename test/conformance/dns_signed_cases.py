"""Answers from a signed zone: what a validator makes of them (delv), and what they must consist of."""
from dns_raw_cases import Wrong, want, want_rcode
from dns_wire import (A, AA, AAAA, AD, CD, CNAME, DNSKEY, DO, DS, NOERROR, NS, NSEC, NXDOMAIN, RRSIG, SOA, TC, TXT, opt)
from dns_zone import ORIGIN

YES, NO = "; fully validated", "; negative response, fully validated"
UNSIGNED = "; unsigned answer"

# (name, owner, type, what delv says)
VALIDATED = [
    ("apex SOA", "@", "SOA", YES),
    ("keys", "@", "DNSKEY", YES),
    ("address", "shop", "A", YES),
    ("set of three", "many", "A", YES),
    ("alias chain", "deepalias", "A", YES),
    ("large set over TCP", "big", "TXT", YES),
    ("wildcard", "any.wild", "A", YES),
    ("deep wildcard", "a.b.c.wild", "A", YES),
    ("wildcard alias", "some.alias", "A", YES),
    ("DS", "sub", "DS", YES),
    ("unknown type", "odd", "TYPE1000", YES),
    ("NODATA", "shop", "AAAA", NO),
    ("NODATA at the apex", "@", "AAAA", NO),
    ("NODATA of an empty non-terminal", "deep", "A", NO),
    ("NODATA of a wildcard", "any.wild", "TXT", NO),
    ("no DS", "plain", "DS", NO),
    ("NXDOMAIN", "nothere", "A", NO),
    ("NXDOMAIN below a name", "below.shop", "A", NO),
    ("NXDOMAIN below a wildcard's sibling", "z.y.wild", "A", NO),
    ("NXDOMAIN before the first name", "0", "A", NO),
    ("NXDOMAIN after the last name", "zzzz", "A", NO),
]

CASES = []


def case(name):
    def add(function):
        CASES.append((name, function))
        return function
    return add


def signed(size=1232):
    return opt(flags=DO, size=size)


@case("no signatures without DO")
def plain(probe):
    for owner, kind in (("shop", A), ("nothere", A), ("any.wild", A), ("sub", A), ("shop", AAAA)):
        for edns in (None, opt()):
            response = probe.ask(owner, kind, edns=edns)
            kinds = response.kinds() + response.kinds("authority") + response.kinds("additional")
            want(RRSIG not in kinds and NSEC not in kinds, f"{owner}: {kinds}")


@case("signatures with DO, DO copied, AD=0")
def with_do(probe):
    response = probe.ask("shop", A, edns=signed(), flags=AD | CD)
    want(sorted(response.kinds()) == [A, RRSIG], f"{response.kinds()}")
    want(response.opts[0].ttl & DO, "DO lost")
    want(not response.has(AD), "AD=1")
    ttls = {record.ttl for record in response.answer}
    want(len(ttls) == 1, f"TTLs {ttls}")


@case("negative answer: SOA, NSEC, both signed, small TTL")
def negative(probe):
    response = probe.ask("nothere", A, edns=signed())
    want_rcode(response, NXDOMAIN)
    kinds = response.kinds("authority")
    want(kinds.count(SOA) == 1 and kinds.count(NSEC) in (1, 2), f"{kinds}")
    want(kinds.count(RRSIG) == kinds.count(SOA) + kinds.count(NSEC), f"{kinds}")
    want({record.ttl for record in response.authority} == {300}, "TTL")


@case("referral to a signed zone: DS with signature")
def signed_referral(probe):
    response = probe.ask("a.sub", A, edns=signed())
    want_rcode(response, NOERROR)
    want(not response.has(AA), "AA=1")
    kinds = response.kinds("authority")
    want(kinds.count(NS) == 2 and kinds.count(DS) == 1 and kinds.count(RRSIG) == 1 and NSEC not in kinds, f"{kinds}")
    want(A in response.kinds("additional"), "no glue")


@case("referral to an unsigned zone: NSEC instead of DS")
def unsigned_referral(probe):
    response = probe.ask("a.plain", A, edns=signed())
    kinds = response.kinds("authority")
    want(kinds.count(NS) == 1 and kinds.count(NSEC) == 1 and kinds.count(RRSIG) == 1 and DS not in kinds, f"{kinds}")


@case("wildcard answer proves that no closer name exists")
def wildcard_proof(probe):
    response = probe.ask("any.wild", A, edns=signed())
    want(sorted(response.kinds()) == [A, RRSIG], f"{response.kinds()}")
    want(response.kinds("authority").count(NSEC) == 1, f"{response.kinds('authority')}")


@case("alias: every set signed")
def alias(probe):
    response = probe.ask("www", A, edns=signed())
    want(sorted(response.kinds()) == [A, CNAME, RRSIG, RRSIG], f"{response.kinds()}")


@case("alias to nothing: signed, with proof, NXDOMAIN")
def broken_alias(probe):
    response = probe.ask("broken", A, edns=signed())
    want_rcode(response, NXDOMAIN)
    want(sorted(response.kinds()) == [CNAME, RRSIG], f"{response.kinds()}")
    want(NSEC in response.kinds("authority") and SOA in response.kinds("authority"), "no proof")


@case("TC when the signatures do not fit")
def truncated(probe):
    response = probe.ask("@", DNSKEY, edns=signed())
    want(not response.has(TC) and RRSIG in response.kinds(), "keys")
    response = probe.ask("big", TXT, edns=signed(512))
    want(response.has(TC) and response.opts and len(response.raw) <= 512, "not truncated")


@case("NSEC and RRSIG can be asked for")
def signer_types(probe):
    want(NSEC in probe.ask("shop", NSEC, edns=signed()).kinds(), "no NSEC")
    want(RRSIG in probe.ask("shop", RRSIG, edns=signed()).kinds(), "no RRSIG")


def problem_of(output, wanted):
    """What is wrong with delv's output; None when nothing is."""
    if wanted in output and UNSIGNED not in output:
        return None
    lines = [line for line in output.splitlines() if line.startswith(";")]
    return "; ".join(line.strip("; ") for line in lines[:2]) or "no answer"


def delv_arguments(anchors, host, port, owner, kind):
    name = ORIGIN if owner == "@" else f"{owner}.{ORIGIN}"
    return ["delv", f"@{host}", "-p", str(port), "-a", anchors, f"+root={ORIGIN}", name, kind]


__all__ = ["CASES", "VALIDATED", "Wrong", "delv_arguments", "problem_of"]
