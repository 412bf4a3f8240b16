#!/usr/bin/python3
"""Bad input on every door of the controller: a clear coded error, nothing changed, nothing crashed. Afterwards everything
works as before, and the controller has not grown. (Tokens that have expired need a day or a minute to: unit tests.)"""
import base64
import hashlib
import http.client
import json
import os
import random
import socket
import ssl
import struct
import subprocess
import time

from steering import Clock, nothing_changed, refused
from stage import Stage
from writers import Writers

RSS_MIB_MAX = 300


def request(stage, method, path, body=b"", token=None, content="application/json", headers=()):
    """Status and document of one raw request; token "" sends none."""
    context = ssl.create_default_context(cafile=stage.path("c", "ca.pem"))
    connection = http.client.HTTPSConnection(f"{stage.net}.1", stage.api_port, context=context, timeout=20)
    if token is None:
        token = open(stage.path("c", "admin.token")).read().strip()
    fields = {"Content-Type": content, **dict(headers)}
    if token:
        fields["Authorization"] = "Bearer " + token
    try:
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(text) if text else None


def expect(stage, status, code, *arguments, **named):
    got, value = request(stage, *arguments, **named)
    error = (value or {}).get("error", {})
    assert (got, error.get("code")) == (status, code), f"{got} {str(value)[:300]} instead of {status} {code}"
    assert error["message"], value
    return error


def definitions(stage):
    def put(text, code="SWB-INVALID-DEFINITION", status=400):
        body = text if isinstance(text, bytes) else text.encode()
        return expect(stage, status, code, "PUT", "/v1/applications", body, content="application/yaml")["message"]

    message = put("application: shop-fra\nsite: [fra\nprocesses: {")
    assert "line " in message and "column " in message, message
    message = put("application: shop-x\nsite: fra\nprocesess: {}\n")
    assert "processes" in message or "procesess" in message, message
    assert "line 3" in message, message
    put("application: " + "a" * 64 + "\nsite: fra\n")
    put("application: 'Shop Fra'\nsite: fra\n")
    put("application: ../../etc\nsite: fra\n")
    put(b"application: shop\0fra\nsite: fra\n")
    put(b"application: \xff\xfe\nsite: fra\n")
    put("")
    put("--- 1\n--- 2\n")
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))
    started = time.monotonic()
    got, value = request(stage, "PUT", "/v1/applications", bomb.encode(), content="application/yaml")
    assert got in (400, 413) and value["error"]["code"].startswith("SWB-"), (got, value)
    assert time.monotonic() - started < 5, "an alias bomb took its time"
    got, value = request(stage, "PUT", "/v1/applications", b"[" * 100_000, content="application/yaml")
    assert got in (400, 413), (got, value)


def bodies(stage):
    for depth in (40, 100_000):
        got, value = request(stage, "POST", "/v1/sites", b"[" * depth + b"]" * depth)
        assert got in (400, 413) and value["error"]["code"].startswith("SWB-"), (got, value)
    for body in (b"{", b"null", b"[]", b'{"name": 7}', b'{"name": "x", "colour": "red"}', b'{"name": "a\\u0000b"}',
                 b'{"name": "\xff"}', b'{"name": "' + b"n" * 64 + b'"}', b'{"name": ""}', b'{"name": "A b"}',
                 b'{"name": "x", "name": "y"}\x00', b'{"name": 1e999}'):
        got, value = request(stage, "POST", "/v1/sites", body)
        assert got == 400 and value["error"]["code"].startswith("SWB-"), (body[:60], got, value)
    # Larger than the limit: refused by its announced length, before it is read.
    got, value = request(stage, "PUT", "/v1/applications", b"", headers=[("Content-Length", str(1 << 30))])
    assert got == 413 and value["error"]["code"] == "SWB-TOO-LARGE", (got, value)


def rights(stage):
    expect(stage, 401, "SWB-UNAUTHENTICATED", "GET", "/v1/groups", token="")
    expect(stage, 401, "SWB-UNAUTHENTICATED", "GET", "/v1/groups", token="wrong")
    expect(stage, 401, "SWB-UNAUTHENTICATED", "GET", "/v1/groups", token="x" * 600)
    expect(stage, 401, "SWB-UNAUTHENTICATED", "GET", "/v1/nothing", token="")
    viewer = stage.api("POST", "/v1/tokens", {"name": "looker", "role": "viewer"})["token"]
    assert request(stage, "GET", "/v1/groups", token=viewer)[0] == 200
    expect(stage, 403, "SWB-FORBIDDEN", "POST", "/v1/sites", b'{"name": "x"}', token=viewer)
    expect(stage, 403, "SWB-FORBIDDEN", "POST", "/v1/groups/shop/switch", b"{}", token=viewer)
    expect(stage, 403, "SWB-FORBIDDEN", "GET", "/v1/tokens", token=viewer)
    tokens = [token for token in stage.api("GET", "/v1/tokens")["tokens"] if token["name"] == "looker"]
    stage.api("DELETE", "/v1/tokens/" + tokens[0]["id"])
    expect(stage, 401, "SWB-UNAUTHENTICATED", "GET", "/v1/groups", token=viewer)


def joining(stage):
    def join(token, pin, directory):
        return subprocess.run([f"{stage.bin}/swing-agent", "join", "--json", "--controller",
                               f"https://{stage.net}.1:{stage.api_port}", "--token", "-", "--ca-pin", pin, "--data",
                               stage.path(directory)], input=token, capture_output=True, text=True, env=stage.environment)

    made = stage.api("POST", "/v1/servers/token", {"server": "fra-9", "site": "fra"})
    pin = made["authorityFingerprint"]
    done = join(made["token"], "0" * 64, "j1")
    assert done.returncode != 0 and "SWB-CERTIFICATE-REJECTED" in done.stderr, done
    done = join("no-such-token", pin, "j2")
    assert done.returncode != 0 and "SWB-JOIN-TOKEN-REJECTED" in done.stderr, done
    done = join(made["token"], pin, "j3")
    assert done.returncode == 0, done
    done = join(made["token"], pin, "j4")
    assert done.returncode != 0 and "SWB-JOIN-TOKEN-REJECTED" in done.stderr and "used" in done.stderr, done
    expect(stage, 401, "SWB-JOIN-TOKEN-REJECTED", "POST", "/v1/join", b'{"token": "x", "request": "y"}', token="")
    stage.api("DELETE", "/v1/servers/fra-9")


def raw(stage, port, data, tls=None, patience=3):
    """What comes back on a connection that begins with these bytes; b"" when it is closed."""
    try:
        with socket.create_connection((f"{stage.net}.1", port), timeout=patience) as plain:
            connection = tls.wrap_socket(plain) if tls else plain
            connection.sendall(data)
            return connection.recv(4096)
    except (OSError, ssl.SSLError):
        return b""


def tls_of(stage, site=None):
    context = ssl.create_default_context(cafile=stage.path("c", "ca.pem"))
    context.check_hostname = False
    if site:
        context.load_cert_chain(stage.path("a-" + site, "identity.pem"))
    return context


def garbage(stage):
    numbers = random.Random(7)
    for port in (stage.api_port, stage.dns_port):
        for _ in range(20):
            raw(stage, port, numbers.randbytes(numbers.randrange(1, 4000)), patience=0.2)
    plain = raw(stage, stage.api_port, b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b'"status"' not in plain, plain
    for text in (b"GET / HTTP/9.9\r\n\r\n", b"\0" * 200, b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
                 b"POST /v1/sites HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST /v1/sites HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        answer = raw(stage, stage.api_port, text, tls_of(stage))
        assert not answer.startswith(b"HTTP/1.1 2"), answer
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _ in range(2000):
            udp.sendto(numbers.randbytes(numbers.randrange(0, 600)), (f"{stage.net}.1", stage.dns_port))
    for length in (0, 1, 11, 12, 65535):
        raw(stage, stage.dns_port, struct.pack("!H", length) + numbers.randbytes(min(length, 4000)), patience=0.2)


def upgrade(stage, tls):
    key = base64.b64encode(os.urandom(16)).decode()
    head = (f"GET /v1/agent HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n")
    connection = tls.wrap_socket(socket.create_connection((f"{stage.net}.1", stage.api_port), timeout=5))
    connection.sendall(head.encode())
    answer = connection.recv(4096)
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
    return connection, answer, accept


def frame(text):
    data, mask = text.encode(), os.urandom(4)
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(data)) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))


def websockets(stage):
    connection, answer, _ = upgrade(stage, tls_of(stage))
    connection.close()
    assert b" 101 " not in answer.split(b"\r\n")[0], answer
    # The certificate says fra-1, the greeting nyc-1: refused, and the real nyc-1 stays.
    connection, answer, accept = upgrade(stage, tls_of(stage, "fra"))
    assert b" 101 " in answer.split(b"\r\n")[0] and accept in answer, answer
    hello = {"type": "hello", "version": 1, "server": "nyc-1", "agentVersion": "0", "bootId": "x", "verbs": [], "epochs": {},
             "unfinished": []}
    connection.sendall(frame(json.dumps(hello)))
    seen = b""
    try:
        while chunk := connection.recv(4096):
            seen += chunk
    except OSError:
        pass
    connection.close()
    assert b"welcome" not in seen and b"refused" in seen, seen
    assert stage.api("GET", "/v1/status")["connected"] == 2


def many(stage):
    numbers = random.Random(11)
    open_ones = []
    for _ in range(300):
        connection = socket.create_connection((f"{stage.net}.1", stage.api_port), timeout=5)
        connection.sendall(numbers.randbytes(64))
        open_ones.append(connection)
    assert stage.api("GET", "/v1/health")["status"] == "ok"
    for connection in open_ones:
        connection.close()


def chain_is_whole(stage):
    previous, after = "", 0
    while True:
        page = stage.api("GET", f"/v1/events?after={after}&limit=500")
        for event in page["events"]:
            assert event["previousHash"] == previous and event["sequence"] == after + 1, event
            previous, after = event["hash"], event["sequence"]
        if after >= page["latest"]:
            return after


def rss_mib(stage):
    pid = stage.processes["swingd"].pid
    line = next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def main():
    clock = Clock()
    with Stage() as stage:
        stage.build()
        pid = stage.processes["swingd"].pid
        clock.say("the stage stands")
        with Writers(stage) as writers:
            for scenario in (definitions, bodies, rights, joining, garbage, websockets, many):
                with nothing_changed(stage):
                    scenario(stage)
                assert stage.alive("swingd") and stage.processes["swingd"].pid == pid
                clock.say(f"{scenario.__name__}: {rss_mib(stage)} MiB")
            refused("SWB-NOT-FOUND", stage.api, "GET", "/v1/groups/none")
            assert rss_mib(stage) < RSS_MIB_MAX, f"swingd has {rss_mib(stage)} MiB"
            stage.await_ready()
            stage.done({"run": stage.switch()})
            stage.assert_legal()
        writers.assert_nothing_lost()
        clock.say(f"a switch works, {chain_is_whole(stage)} events in one chain")


if __name__ == "__main__":
    main()
