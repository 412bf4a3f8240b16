#!/usr/bin/env python3
"""Our name server beside Knot, NSD, gdnsd, PowerDNS and BIND, in one run, on the same zone, asked by dnsperf.

    answers    throughput at full load, and CPU time for each answer (user and system) at full load and at a fixed rate
    switch     from giving the change to the first new answer seen: our name server alone; our controller from before the
               commit of the new epoch to its store, journal and signing included; Knot and BIND by dynamic update,
               PowerDNS by its API
    load       a switch every second for a minute under load: queries lost, wrong answers, old answers after new ones

The load generator shares the machine: throughput says who waits less, CPU for each answer says what a server costs.
"""
import argparse
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import dns_peers  # noqa: E402
import dns_publication  # noqa: E402
import dns_signed  # noqa: E402
import dns_switching  # noqa: E402

ORIGIN = "bench.example"
SWITCHED = f"switched.{ORIGIN}"
NAMES = 10_000
MISSING = 0.1
QUERIES = 100_000
TICKS = os.sysconf("SC_CLK_TCK")


def write_zone(path):
    with open(path, "w") as file:
        file.write(f"{ORIGIN}.\t3600\tIN\tSOA\tns1.{ORIGIN}. hostmaster.{ORIGIN}. 1 14400 3600 1209600 300\n")
        for server in ("ns1", "ns2"):
            file.write(f"{ORIGIN}.\t3600\tIN\tNS\t{server}.{ORIGIN}.\n")
        for number, server in enumerate(("ns1", "ns2"), 1):
            file.write(f"{server}.{ORIGIN}.\t3600\tIN\tA\t192.0.2.{number}\n")
        file.write(f"{SWITCHED}.\t300\tIN\tA\t192.0.2.99\n")
        for number in range(NAMES):
            file.write(f"h{number:05}.{ORIGIN}.\t300\tIN\tA\t10.{number >> 16}.{number >> 8 & 255}.{number & 255}\n")
    return path


def write_queries(path):
    chance = random.Random(7)
    with open(path, "w") as file:
        for _ in range(QUERIES):
            kind = "x" if chance.random() < MISSING else "h"
            file.write(f"{kind}{chance.randrange(NAMES):05}.{ORIGIN} A\n")
    return path


def tree(pid):
    """The process and all that came from it: NSD answers in children."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as file:
                    found += [int(word) for word in file.read().split()]
    return found


def cpu_seconds(pid):
    user = system = 0
    for one in tree(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICKS, system / TICKS


def memory_mib(pid):
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total / 1024


def dnsperf(server, queries, transport, arguments, *, rate=0, dnssec=False):
    argv = [dns_peers.program("dnsperf"), "-s", server.address[0], "-p", str(server.port), "-d", queries,
            "-m", transport, "-l", str(arguments.seconds), "-c", "8", "-T", "1", "-q", "300"]
    argv += ["-Q", str(rate)] if rate else []
    argv += ["-D"] if dnssec else []
    text = subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=arguments.seconds * 3 + 60).stdout

    def number(pattern):
        match = re.search(pattern, text)
        return float(match.group(1)) if match else 0.0
    completed = number(r"Queries completed:\s+(\d+)")
    missing = number(r"NXDOMAIN (\d+)")
    if completed == 0 or abs(missing / completed - MISSING) > 0.02:
        raise RuntimeError(f"{server.name}: not the answers that were expected: {text[-800:]}")
    return {"rate": number(r"Queries per second:\s+([\d.]+)"), "completed": completed,
            "lost": number(r"Queries lost:\s+(\d+)")}


def measure(server, queries, transport, arguments, **options):
    before = cpu_seconds(server.pid)
    result = dnsperf(server, queries, transport, arguments, **options)
    after = cpu_seconds(server.pid)
    user, system = ((later - earlier) * 1e6 / result["completed"] for earlier, later in zip(before, after))
    return {**result, "user": user, "system": system, "cpu": user + system}


def best(results):
    return min(results, key=lambda one: one["cpu"])


def measure_server(name, zone, queries, arguments, workers, dnssec):
    rows = []
    with dns_peers.serving(name, dns_peers.Settings(ORIGIN, zone, workers)) as server:
        if workers == 1 and arguments.pin:
            for one in tree(server.pid):
                subprocess.run(["taskset", "-a", "-p", "-c", "0", str(one)], check=True, stdout=subprocess.DEVNULL)
        for transport in arguments.transports:
            full = best([measure(server, queries, transport, arguments, dnssec=dnssec)
                         for _ in range(arguments.rounds)])
            fixed = best([measure(server, queries, transport, arguments, dnssec=dnssec, rate=arguments.rate)
                          for _ in range(arguments.rounds)])
            rows.append({"server": name, "workers": workers, "transport": transport, "signed": dnssec, "full": full,
                         "fixed": fixed, "mib": memory_mib(server.pid)})
    return rows


def print_answers(rows, arguments):
    print(f"\n{'':<34}{'at full load':^38}{f'{arguments.rate:,} queries/s':^28}")
    print(f"{'server':<13}{'workers':>8}{'over':>6}{'zone':>7}{'answers/s':>12}{'lost':>6}{'us each':>9}{'user':>6}"
          f"{'sys':>6}{'us each':>11}{'user':>7}{'sys':>7}{'MiB':>8}")
    for row in rows:
        full, fixed = row["full"], row["fixed"]
        print(f"{row['server']:<13}{row['workers']:>8}{row['transport']:>6}{'signed' if row['signed'] else 'plain':>7}"
              f"{full['rate']:>12,.0f}{full['lost']:>6.0f}{full['cpu']:>9.2f}{full['user']:>6.2f}{full['system']:>6.2f}"
              f"{fixed['cpu']:>11.2f}{fixed['user']:>7.2f}{fixed['system']:>7.2f}{row['mib']:>8.1f}")


def answers_part(arguments, directory):
    zone, queries = write_zone(f"{directory}/zone.db"), write_queries(f"{directory}/queries")
    plans = [(name, zone, False) for name in arguments.servers]
    if arguments.signed:
        signed = dns_signed.SignedZone(ORIGIN, zone, directory)
        plans += [(name, signed.file_for(name), True) for name in arguments.servers if name in dns_signed.CAN_SIGNED]
    rows = []
    for name, file, dnssec in plans:
        for workers in arguments.workers:
            rows += measure_server(name, file, queries, arguments, workers, dnssec)
            print(".", end="", flush=True)
    print_answers(rows, arguments)
    return rows


def median(values):
    return sorted(values)[len(values) // 2]


def flush_ms(directory):
    """What one small write costs until it is on this disk: whoever keeps changes waits for at least that."""
    times = []
    with open(f"{directory}/flushed", "wb", buffering=0) as file:
        for _ in range(100):
            begun = time.perf_counter()
            file.write(b"x" * 500)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    return median(times)


def switch_part(arguments, directory):
    zone = write_zone(f"{directory}/zone.db")
    rows = []
    print(f"\na write until it is on this disk: median {flush_ms(directory):.2f} ms; our controller waits for two, one after"
          " the other")
    print(f"\n{'from the change to the first new answer':<44}{'median ms':>11}{'worst ms':>10}")
    for label, times, parts in dns_publication.measure(ORIGIN, zone, SWITCHED, arguments.switches, arguments.servers):
        row = {"way": label, "median": median(times), "worst": max(times)}
        row["parts"] = {part: median(values) for part, values in parts.items()}
        rows.append(row)
        shown = ", ".join(f"{part} {value:.2f}" for part, value in row["parts"].items())
        print(f"{label:<44}{row['median']:>11.2f}{row['worst']:>10.2f}{'   of it ' + shown if shown else ''}")
    return rows


def load_part(arguments, directory):
    zone, queries = write_zone(f"{directory}/zone.db"), write_queries(f"{directory}/queries")
    settings = dns_peers.Settings(ORIGIN, zone)
    with dns_peers.serving(dns_peers.OURS, settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        background = subprocess.Popen(
            [dns_peers.program("dnsperf"), "-s", server.address[0], "-p", str(server.port), "-d", queries, "-l",
             str(arguments.minute), "-c", "4", "-Q", "20000"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        found, switches = dns_switching.switch_under_load(server, SWITCHED, seconds=arguments.minute,
                                                          interval=1.0, askers=2)
        text = background.communicate(timeout=60)[0]
    lost = int(re.search(r"Queries lost:\s+(\d+)", text).group(1))
    sent = int(re.search(r"Queries sent:\s+(\d+)", text).group(1))
    print(f"\n{switches} switches in {arguments.minute} s; {found.asked:,} queries for the switched name: {found.lost} lost,"
          f" {found.wrong} wrong, {found.older} older than one before; {sent:,} others: {lost} lost")
    return {"switches": switches, **vars(found), "others": sent, "othersLost": lost}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=lambda text: text.split(","), default=list(dns_peers.PEERS))
    parser.add_argument("--workers", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2])
    parser.add_argument("--transports", type=lambda text: text.split(","), default=["udp", "tcp"])
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts")
    parser.add_argument("--rate", type=int, default=40_000, help="queries a second of the second measurement")
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--minute", type=int, default=60, help="seconds of the load part")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=["answers", "switch", "load"])
    parser.add_argument("--no-signed", dest="signed", action="store_false")
    parser.add_argument("--no-pin", dest="pin", action="store_false", help="leave the single worker where it runs")
    parser.add_argument("--json", help="a file for the figures")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    parts = {"answers": answers_part, "switch": switch_part, "load": load_part}
    started, report = time.monotonic(), {}
    for part in arguments.parts:
        with dns_peers.work_directory() as directory:
            report[part] = parts[part](arguments, directory)
    print(f"\n{time.monotonic() - started:.0f} s")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(report, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
