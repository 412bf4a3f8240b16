"""A place to publish at, for tests: a real BIND, Knot or PowerDNS, or a stand-in of Cloudflare or Route 53.

    primary.py KIND        prints one line of JSON when it is ready, ends when its standard input does

The zone is shop.example: www with 192.0.2.1, alias a CNAME, kept a CNAME to it that stays in caches for a day, locked a name that the credential may not change.
"""
import json
import os
import pwd
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import cloudflare
import dns_peers
import route53
from dns_peers import HOST

ZONE = "shop.example"
KEY_NAME, KEY_SECRET = "swing", "c3dpbmdicmlkZ2UtdGVzdC1zZWNyZXQtMDEyMzQ1Ng=="
API_KEY = "pdns-test-key"
RECORDS = """$TTL 60
@ 3600 IN SOA ns1 hostmaster 1 14400 3600 1209600 60
@ 3600 IN NS ns1
ns1 3600 IN A 127.0.0.1
www 60 IN A 192.0.2.1
alias 60 IN CNAME www
kept 86400 IN CNAME alias
locked 60 IN A 192.0.2.7
"""


def bind(directory, port):
    grants = "\n".join(f"    grant {KEY_NAME} name {name}.{ZONE}. {types};" for name, types in [
        ("www", "A AAAA"), ("_swingbridge-owner.www", "TXT"), ("new", "A AAAA"), ("_swingbridge-owner.new", "TXT"),
        ("alias", "A"), ("_swingbridge-owner.alias", "TXT")])
    conf = dns_peers.write(f"{directory}/named.conf", f"""options {{
  directory "{directory}";
  listen-on port {port} {{ {HOST}; }};
  listen-on-v6 {{ none; }};
  pid-file "{directory}/named.pid";
  session-keyfile "{directory}/session.key";
  managed-keys-directory "{directory}";
  recursion no;
  dnssec-validation no;
  notify no;
}};
controls {{ }};
key {KEY_NAME} {{ algorithm hmac-sha256; secret "{KEY_SECRET}"; }};
zone "{ZONE}" {{
  type primary;
  file "{directory}/zone.db";
  update-policy {{
{grants}
  }};
}};
""")
    return [dns_peers.program("named"), "-g", "-c", conf, "-n", "1"]


def knot(directory, port):
    os.makedirs(f"{directory}/db", exist_ok=True)
    names = ", ".join(f"{mark}{name}" for name in ("www", "new", "alias") for mark in ("", "_swingbridge-owner."))
    conf = dns_peers.write(f"{directory}/knot.conf", f"""server:
  rundir: {directory}
  listen: {HOST}@{port}
log:
  - target: stderr
    any: warning
database:
  storage: {directory}/db
key:
  - id: {KEY_NAME}
    algorithm: hmac-sha256
    secret: {KEY_SECRET}
acl:
  - id: swing
    key: {KEY_NAME}
    action: update
    update-owner: name
    update-owner-match: equal
    update-owner-name: [{names}]
zone:
  - domain: {ZONE}
    storage: {directory}
    file: zone.db
    acl: swing
""")
    return [dns_peers.program("knotd"), "-c", conf]


def run_dns(make):
    with dns_peers.work_directory() as directory:
        dns_peers.write(f"{directory}/zone.db", f"$ORIGIN {ZONE}.\n{RECORDS}")
        port = dns_peers.free_port()
        argv = make(directory, port)
        give_away(directory)
        with open(f"{directory}/log", "w") as log:
            process = subprocess.Popen(dns_peers.unprivileged(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            dns_peers.wait_until_answering("the primary", process, port, ZONE, f"{directory}/log")
            report({"endpoint": f"{HOST}:{port}", "credential": f"{KEY_NAME}:{KEY_SECRET}",
                    "nameServers": [f"{HOST}:{port}"]})
        finally:
            dns_peers.end(process)


def give_away(directory):
    if os.getuid() != 0:
        return
    entry = pwd.getpwnam(dns_peers.USER)
    for root, _, files in os.walk(directory):
        for path in [root, *(os.path.join(root, file) for file in files)]:
            os.chown(path, entry.pw_uid, entry.pw_gid)


def powerdns():
    with dns_peers.work_directory() as directory:
        port, api = dns_peers.free_port(), dns_peers.free_port()
        schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"
        if not os.path.exists(schema):
            schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
        import sqlite3
        database = sqlite3.connect(f"{directory}/pdns.db")
        with open(schema) as file:
            database.executescript(file.read())
        database.close()
        dns_peers.write(f"{directory}/pdns.conf", f"""launch=gsqlite3
gsqlite3-database={directory}/pdns.db
local-address={HOST}
local-port={port}
socket-dir={directory}
api=yes
api-key={API_KEY}
webserver=yes
webserver-address={HOST}
webserver-port={api}
webserver-allow-from={HOST}/32
daemon=no
guardian=no
loglevel=3
cache-ttl=60
query-cache-ttl=60
negquery-cache-ttl=60
""")
        give_away(directory)
        with open(f"{directory}/log", "w") as log:
            process = subprocess.Popen(
                dns_peers.unprivileged([dns_peers.program("pdns_server"), f"--config-dir={directory}"]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            url = f"http://{HOST}:{api}"
            make_zone(process, url, f"{directory}/log")
            dns_peers.wait_until_answering("the primary", process, port, ZONE, f"{directory}/log")
            report({"endpoint": url, "credential": API_KEY, "nameServers": [f"{HOST}:{port}"]})
        finally:
            dns_peers.end(process)


def make_zone(process, url, log):
    sets = [("@", "NS", "ns1.@"), ("ns1", "A", "127.0.0.1"), ("www", "A", "192.0.2.1"), ("alias", "CNAME", "www.@"),
            ("locked", "A", "192.0.2.7")]
    name = lambda text: text.replace("@", f"{ZONE}.") if "@" in text else f"{text}.{ZONE}."
    body = {"name": f"{ZONE}.", "kind": "Native", "soa_edit_api": "INCREASE", "rrsets": [
        {"name": name(owner), "type": kind, "ttl": 60, "changetype": "REPLACE",
         "records": [{"content": name(content) if "@" in content else content, "disabled": False}]}
        for owner, kind, content in sets]}
    request = urllib.request.Request(f"{url}/api/v1/servers/localhost/zones", json.dumps(body).encode(),
                                     {"X-API-Key": API_KEY, "Content-Type": "application/json"})
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline or process.poll() is not None:
                with open(log) as file:
                    raise RuntimeError(f"PowerDNS takes no zone: {error}: {file.read()[-1500:]}") from error
            time.sleep(0.1)


def report(facts):
    print(json.dumps(facts), flush=True)
    sys.stdin.read()


def stand_in(module):
    server = module.start(HOST, ZONE)
    try:
        report(server.facts())
    finally:
        server.stop()


KINDS = {"bind": lambda: run_dns(bind), "knot": lambda: run_dns(knot), "powerdns": powerdns,
         "cloudflare": lambda: stand_in(cloudflare), "route53": lambda: stand_in(route53)}

if __name__ == "__main__":
    try:
        KINDS[sys.argv[1]]()
    except (RuntimeError, OSError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        sys.exit(1)
