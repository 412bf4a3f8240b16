#!/usr/bin/env python3
"""The authoritative server's behaviours, by dig and by raw packets, for ours and, in the same table, for others.

Ours must do all of them. What the others do differently is printed and is nobody's failure; a peer that is not
installed is one, because the table would say less than it seems to.
    dns_conformance_test.py [SERVER…]     needs SWB_BIN, the directory of swb_dns_server
"""
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import dns_dig_cases  # noqa: E402
import dns_peers  # noqa: E402
import dns_raw_cases  # noqa: E402
import dns_signed  # noqa: E402
import dns_signed_cases  # noqa: E402
import dns_zone  # noqa: E402

DIG_SECONDS = 30


def run(argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=DIG_SECONDS).stdout


def results_of(server):
    """name of the case -> None or what is wrong; nice-to-have cases apart."""
    results, extras = {}, {}
    for name, words, wanted, unwanted in dns_dig_cases.CASES:
        output = run(dns_dig_cases.arguments(words, *server.address))
        results[name] = dns_dig_cases.problem_of(output, wanted, unwanted)
    run_probes(server, dns_raw_cases.CASES, results)
    run_probes(server, dns_raw_cases.EXTRA, extras)
    return results, extras


def signed_results_of(server, anchors):
    results = {}
    for name, owner, kind, wanted in dns_signed_cases.VALIDATED:
        output = run(dns_signed_cases.delv_arguments(anchors, *server.address, owner, kind))
        results[f"validated: {name}"] = dns_signed_cases.problem_of(output, wanted)
    run_probes(server, dns_signed_cases.CASES, results)
    return results


def run_probes(server, cases, results):
    probe = dns_raw_cases.Probe(server.address)
    for name, function in cases:
        try:
            function(probe)
            results[name] = None
        except dns_raw_cases.Wrong as problem:
            results[name] = str(problem)
        except (OSError, struct.error) as problem:
            results[name] = f"{type(problem).__name__}: {problem}"


def table(title, columns):
    names = list(columns)
    rows = list(next(iter(columns.values())))
    width = max(len(row) for row in rows) + 2
    print(f"\n{title:<{width}}" + "".join(f"{name:>13}" for name in names))
    for row in rows:
        print(f"{row:<{width}}" + "".join(f"{'ok' if columns[name][row] is None else '-':>13}" for name in names))
    sums = [sum(problem is None for problem in columns[name].values()) for name in names]
    print(f"{'':<{width}}" + "".join(f"{f'{count}/{len(rows)}':>13}" for count in sums))


def deviations(columns):
    for name, results in columns.items():
        for row, problem in results.items():
            if problem is not None:
                print(f"  {name}: {row}: {problem}")


def main():
    wanted = sys.argv[1:] or list(dns_peers.PEERS)
    columns, extras, signed_columns, absent = {}, {}, {}, []
    with dns_peers.work_directory() as directory:
        zone = dns_zone.write_zone(os.path.join(directory, "zone.db"))
        signed = dns_signed.SignedZone(dns_zone.ORIGIN, zone, directory)
        for name in wanted:
            try:
                with dns_peers.serving(name, dns_peers.Settings(dns_zone.ORIGIN, zone, cookies=True)) as server:
                    columns[name], extras[name] = results_of(server)
                if name not in dns_signed.CAN_SIGNED:
                    continue
                with dns_peers.serving(name, dns_peers.Settings(dns_zone.ORIGIN, signed.file_for(name))) as server:
                    signed_columns[name] = signed_results_of(server, signed.anchors)
            except (dns_peers.Absent, RuntimeError) as problem:
                absent.append(f"{name}: {problem}")
    tables = {"behaviour": columns, "signed zone": signed_columns, "nice to have": extras}
    for title, shown in tables.items():
        if shown:
            table(title, shown)
    print("\ndeviations:")
    deviations(columns)
    deviations(signed_columns)
    failures = [f"{row}: {problem}" for shown in tables.values()
                for row, problem in shown.get(dns_peers.OURS, {}).items() if problem is not None]
    for line in failures + absent:
        print(f"FAILED {line}")
    return 1 if failures or absent else 0


if __name__ == "__main__":
    sys.exit(main())
