#!/usr/bin/python3
"""A small shop that takes orders: the application that Swingbridge's lab and demonstration fail over.

    shop.py --listen 127.0.0.1:3000

It keeps orders in every database that its environment names, and answers 201 to an order only when all of them have
it. See README.md.
"""

import argparse
import contextlib
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

sys.dont_write_bytecode = True  # the code's directory stays as it was deployed

import shop_page
from shop_settings import read_settings
from shop_stores import DatabaseTrouble, open_stores, take_everywhere

BODY_BYTES_MAX = 64 << 10
PAGE_ROWS = 20
ROWS_MAX = 10_000
WATCH_SECONDS = 0.5
END_SECONDS = 3.0  # for requests that are being answered when the end is asked for


class BadRequest(Exception):
    pass


def order_from(fields):
    product = str(fields.get("product", ""))
    customer = str(fields.get("customer", "")).strip()
    tag = str(fields.get("tag", ""))
    try:
        quantity = int(fields.get("quantity", 1))
    except (TypeError, ValueError):
        raise BadRequest("quantity must be a number") from None
    if product not in shop_page.PRICES:
        raise BadRequest("product is not in the catalogue")
    if not 1 <= quantity <= 99:
        raise BadRequest("quantity must be 1 to 99")
    if not 1 <= len(customer) <= 100 or "\0" in customer:
        raise BadRequest("customer must be a name of at most 100 characters")
    if len(tag) > 200 or "\0" in tag:
        raise BadRequest("tag must have at most 200 characters")
    return tag, product, quantity, shop_page.PRICES[product], customer


class Shop:
    """What the pages need of the databases. The first of them has the list of orders that visitors see."""

    def __init__(self, settings):
        self.settings = settings
        self.stores = {store.engine: store for store in open_stores(settings, "shop")}
        self.first = next(iter(self.stores.values()))
        self.states, self.troubles = dict.fromkeys(self.stores, "unknown"), {}

    def use(self, settings):
        self.settings = settings
        for engine in self.stores.keys() & settings.databases.keys():
            self.stores[engine].use(settings.databases[engine])

    def take(self, order):
        return take_everywhere(self.stores.values(), order, self.settings.site)

    def watch(self, stopping):
        """Looks after the databases, so that /healthz answers at once whatever they do."""
        while not stopping.is_set():
            for engine, store in self.stores.items():
                try:
                    self.states[engine], trouble = store.prepare(), ""
                except DatabaseTrouble as error:
                    self.states[engine], trouble = "unreachable", str(error)
                self.troubles[engine] = trouble
            stopping.wait(WATCH_SECONDS)

    def health(self):
        worst = max(self.states.values(), key=("writable", "unknown", "read-only", "unreachable").index)
        details = {"status": "up", "site": self.settings.site, "failoverStatus": self.settings.failover_status,
                   "database": worst, "databases": dict(self.states)}
        troubles = {engine: trouble for engine, trouble in self.troubles.items() if trouble}
        if troubles:
            details["databaseErrors"] = troubles
        return details


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1    # head and body in one packet: two would wait for each other's acknowledgement
    timeout = 75     # of an idle connection, longer than the web front keeps one
    server_version = "shop"
    sys_version = ""

    def do_GET(self):
        self.answer(self.get)

    def do_HEAD(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def get(self):
        url = urlsplit(self.path)
        shop = self.server.shop
        if url.path == "/":
            return self.page()
        if url.path == "/healthz":
            return 200, shop.health()
        if url.path == "/orders/count":
            return 200, self.store(parse_qs(url.query)).count()
        if url.path == "/orders":
            return 200, self.orders(parse_qs(url.query))
        return 404, {"error": "there is no such page"}

    def store(self, query):
        """The one that the request names, or the first."""
        shop = self.server.shop
        engine = query.get("engine", [shop.first.engine])[0]
        if engine not in shop.stores:
            raise BadRequest(f"engine must be one of {', '.join(shop.stores)}")
        return shop.stores[engine]

    def orders(self, query):
        try:
            after, limit = int(query.get("after", ["0"])[0]), int(query.get("limit", ["1000"])[0])
        except ValueError:
            raise BadRequest("after and limit must be numbers") from None
        if not (0 <= after < 1 << 62 and 1 <= limit <= ROWS_MAX):
            raise BadRequest(f"after must not be negative, limit must be 1 to {ROWS_MAX}")
        orders = self.store(query).after(after, limit)
        return {"orders": orders, "next": orders[-1]["id"] if orders else after}

    def page(self):
        orders, count, trouble = [], 0, ""
        try:
            orders, count = self.server.shop.first.last(PAGE_ROWS)
        except DatabaseTrouble as error:
            trouble = str(error)
        return 200, shop_page.render(self.server.shop.settings, orders, count, trouble)

    def post(self):
        body = self.body()
        if urlsplit(self.path).path != "/orders":
            return 404, {"error": "there is no such page"}
        order = order_from(self.fields(body))
        shop = self.server.shop
        numbers = shop.take(order)
        if "text/html" in self.headers.get("Accept", ""):
            return 303, "/#last"
        return 201, {"id": numbers[shop.first.engine], "ids": numbers, "tag": order[0], "site": shop.settings.site}

    def body(self):
        try:
            size = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            size = -1
        if not 0 <= size <= BODY_BYTES_MAX or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise BadRequest("the body must have a Content-Length of at most 64 KiB")
        return self.rfile.read(size)

    def fields(self, body):
        try:
            if self.headers.get_content_type() == "application/json":
                fields = json.loads(body)
                if not isinstance(fields, dict):
                    raise BadRequest("the body must be a JSON object")
                return fields
            return {key: values[-1] for key, values in parse_qs(body.decode()).items()}
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            raise BadRequest("the body cannot be read") from None

    def answer(self, handle):
        with self.server.request():
            self.answer_counted(handle)

    def answer_counted(self, handle):
        extra = {}
        try:
            status, content = handle()
        except BadRequest as error:
            status, content = 400, {"error": str(error)}
        except DatabaseTrouble as error:
            status, content = 503, {"error": str(error), "outcome": error.outcome}
            extra["Retry-After"] = "1"
        if status == 303:
            extra["Location"], content = content, ""
        self.send(status, content, extra)

    def send(self, status, content, extra):
        kind = "application/json" if isinstance(content, dict) else "text/html; charset=utf-8"
        data = (json.dumps(content) + "\n" if isinstance(content, dict) else content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        for name, value in extra.items():
            self.send_header(name, value)
        if self.server.stopping.is_set():
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def log_request(self, code="-", size="-"):
        pass  # the web front has the access log


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address, shop, stopping):
        super().__init__(address, Handler)
        self.shop, self.stopping = shop, stopping
        self.answering, self.answered = 0, threading.Condition()

    @contextlib.contextmanager
    def request(self):
        with self.answered:
            self.answering += 1
        try:
            yield
        finally:
            with self.answered:
                self.answering -= 1
                self.answered.notify_all()

    def finish(self):
        """An order that was committed should also be answered."""
        with self.answered:
            self.answered.wait_for(lambda: self.answering == 0, END_SECONDS)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="A small shop that takes orders.")
    parser.add_argument("--listen", default="127.0.0.1:3000", metavar="ADDR:PORT")
    host, _, port = parser.parse_args().listen.rpartition(":")
    stopping = threading.Event()
    shop = Shop(read_settings())
    server = Server((host.strip("[]"), int(port)), shop, stopping)

    def stop(*_):
        stopping.set()
        # From another thread: shutdown() waits for the loop that this handler interrupts.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGHUP, lambda *_: shop.use(read_settings()))
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=shop.watch, args=(stopping,), daemon=True).start()
    print(f"shop: site {shop.settings.site}, {', '.join(shop.stores)}, listening on {host}:{port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    server.finish()


if __name__ == "__main__":
    main()
