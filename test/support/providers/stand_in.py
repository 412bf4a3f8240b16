"""What the stand-ins share: an HTTP server on a free port, a log of requests, and faults that a test asks for.

    POST /_fault {"kind": …, "count": N}     the next N requests that change something (or, with "reads": true, any):
        drop-before    the connection is closed, nothing was done          drop-after   … after it was done
        half           the answer is cut in the middle, after it was done  slow         it is done and answered after 3 s
        status-503     a gateway's error, nothing was done                 garbage      200 with bytes that mean nothing
        rate-limit     the provider's own answer to too many requests      huge         an answer without end
    GET /_log        [[method, path, authorization present]…]
"""
import http.server
import json
import socket
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    fault = None

    def __init__(self, host, handler, state):
        super().__init__((host, 0), handler)
        self.state, self.lock, self.log = state, threading.Lock(), []

    def facts(self):
        host, port = self.server_address[:2]
        return {"endpoint": f"http://{host}:{port}{self.state.prefix}", "control": f"http://{host}:{port}",
                "credential": self.state.credential, "nameServers": [f"{host}:1"], "zoneId": self.state.zone_id}

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.path.startswith("/_"):
            return self.control(body)
        server = self.server
        server.log.append([self.command, self.path, "Authorization" in self.headers])
        fault = server.fault
        if fault and (self.command != "GET" or fault.get("reads")) and fault["count"] > 0:
            fault["count"] -= 1
        else:
            fault = None
        kind = fault["kind"] if fault else None
        if kind == "drop-before":
            return self.hang_up()
        if kind == "status-503":
            return self.answer(503, "text/html", b"<html>upstream</html>")
        if kind == "rate-limit":
            return self.answer(*server.state.rate_limited())
        with server.lock:
            status, content_type, answer = server.state.handle(self.command, self.path, self.headers, body)
        if kind == "drop-after":
            return self.hang_up()
        if kind == "slow":
            time.sleep(3)
        if kind == "garbage":
            answer = b"\x00\xff{]<"
        if kind == "half":
            self.answer(status, content_type, answer[:len(answer) // 2], length=len(answer))
            return self.hang_up()
        if kind == "huge":
            return self.endless(content_type)
        return self.answer(status, content_type, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def control(self, body):
        if self.path == "/_fault":
            self.server.fault = json.loads(body)
            return self.answer(200, "application/json", b"{}")
        return self.answer(200, "application/json", json.dumps(self.server.log).encode())

    def answer(self, status, content_type, body, headers=(), length=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if status == 429:
            self.send_header("Retry-After", "2")
        for name, value in self.server.state.headers():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def endless(self, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for _ in range(64):
                self.wfile.write(b" " * (1 << 20))
        except OSError:
            pass
        self.close_connection = True

    def hang_up(self):
        self.wfile.flush()
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
