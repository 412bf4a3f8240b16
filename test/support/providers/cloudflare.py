"""A stand-in for Cloudflare's DNS records API (version 4): shapes, limits and refusals as published."""
import copy
import ipaddress
import json
import urllib.parse

from stand_in import Handler, Server

TOKEN = "cf-test-token"


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class State:
    prefix, credential, zone_id = "/client/v4", TOKEN, "0123456789abcdef0123456789abcdef"

    def __init__(self, zone):
        self.zone, self.records, self.next_id, self.requests_left = zone, {}, 1, 1200
        for name, kind, content in [("www", "A", "192.0.2.1"), ("alias", "CNAME", f"www.{zone}"),
                                    ("locked", "A", "192.0.2.7")]:
            self.create({"name": f"{name}.{zone}", "type": kind, "content": content, "ttl": 60, "proxied": name == "locked"})

    def headers(self):
        return [("Ratelimit", f'"default";r={self.requests_left};t=300'), ("Ratelimit-Policy", '"default";q=1200;w=300')]

    def rate_limited(self):
        return 429, "application/json", self.failure(971, "Please wait and consider throttling your request speed")

    @staticmethod
    def failure(code, message):
        return json.dumps({"success": False, "errors": [{"code": code, "message": message}], "messages": [],
                           "result": None}).encode()

    @staticmethod
    def success(result, info=None):
        body = {"success": True, "errors": [], "messages": [], "result": result}
        if info is not None:
            body["result_info"] = info
        return 200, "application/json", json.dumps(body).encode()

    def handle(self, method, path, headers, body):
        self.requests_left -= 1
        try:
            if headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refused(403, 10000, "Authentication error")
            parts = urllib.parse.urlsplit(path)
            query = urllib.parse.parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
            return self.route(method, parts.path, query, body, headers)
        except Refused as refused:
            return refused.status, "application/json", self.failure(refused.code, str(refused))

    def route(self, method, path, query, body, headers):
        records = f"{self.prefix}/zones/{self.zone_id}/dns_records"
        if method == "GET" and path == f"{self.prefix}/zones":
            found = [z for z in [{"id": self.zone_id, "name": self.zone, "status": "active"}]
                     if query.get("name", [z["name"]]) == [z["name"]]]
            return self.success(found, self.page(found))
        if not path.startswith(f"{self.prefix}/zones/{self.zone_id}/"):
            raise Refused(404, 7003, "Could not route to the zone, perhaps your object identifier is invalid?")
        if method == "GET" and path == records:
            unknown = set(query) - {"name", "name.exact", "type", "match", "per_page", "page"}
            if unknown or not 1 <= int(query.get("per_page", ["100"])[0]) <= 5_000_000:
                raise Refused(400, 1004, "Invalid query")
            found = [r for r in self.records.values() if query.get("name.exact", [r["name"]]) == [r["name"]]
                     and query.get("type", [r["type"]]) == [r["type"]]]
            return self.success(found, self.page(found))
        if method == "POST" and path == f"{records}/batch":
            if headers.get("Content-Type") != "application/json":
                raise Refused(415, 6002, "Invalid Content-Type header")
            return self.success(self.batch(self.parse(body)))
        raise Refused(405, 10405, "Method not allowed")

    @staticmethod
    def page(found):
        return {"page": 1, "per_page": 100, "count": len(found), "total_count": len(found), "total_pages": 1}

    @staticmethod
    def parse(body):
        try:
            value = json.loads(body)
        except ValueError as error:
            raise Refused(400, 6003, "Invalid request body") from error
        if not isinstance(value, dict) or set(value) - {"deletes", "patches", "puts", "posts"}:
            raise Refused(400, 9207, "Request body is invalid")
        return value

    # One transaction, in this order whatever the order of the body.
    def batch(self, body):
        before, next_id = copy.deepcopy(self.records), self.next_id
        try:
            return {"deletes": [self.delete(entry) for entry in body.get("deletes") or []],
                    "patches": [self.put({**self.find(entry), **entry}) for entry in body.get("patches") or []],
                    "puts": [self.put(entry) for entry in body.get("puts") or []],
                    "posts": [self.create(entry) for entry in body.get("posts") or []]}
        except Refused:
            self.records, self.next_id = before, next_id
            raise

    def find(self, entry):
        if entry.get("id") not in self.records:
            raise Refused(404, 81044, "Record does not exist.")
        return self.records[entry["id"]]

    def delete(self, entry):
        if set(entry) != {"id"}:
            raise Refused(400, 9207, "Request body is invalid")
        self.find(entry)
        return self.records.pop(entry["id"])

    def put(self, entry):
        old = self.find(entry)
        self.check(entry, old["id"])
        self.records[old["id"]] = {**entry, "id": old["id"], "tags": []}
        return self.records[old["id"]]

    def create(self, entry):
        if "id" in entry:
            raise Refused(400, 9207, "Request body is invalid")
        self.check(entry, None)
        record = {**entry, "id": f"{self.next_id:032x}", "tags": []}
        self.next_id += 1
        self.records[record["id"]] = record
        return record

    def check(self, entry, own_id):
        missing = {"name", "type", "content", "ttl"} - set(entry)
        if missing or set(entry) - {"id", "name", "type", "content", "ttl", "proxied", "comment", "tags"}:
            raise Refused(400, 9000, "DNS record is invalid")
        if entry["ttl"] != 1 and not 60 <= entry["ttl"] <= 86400:
            raise Refused(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
        if not (entry["name"] + ".").endswith("." + self.zone + ".") and entry["name"] != self.zone:
            raise Refused(400, 9001, "DNS name is invalid.")
        if entry["type"] in ("A", "AAAA"):
            try:
                address = ipaddress.ip_address(entry["content"])
            except ValueError as error:
                raise Refused(400, 9005, "Content for A record must be a valid IPv4 address.") from error
            if address.version != (4 if entry["type"] == "A" else 6):
                raise Refused(400, 9005, "Content is of the other family.")
        elif entry["type"] == "TXT":
            if entry.get("proxied") or not (entry["content"].startswith('"') and entry["content"].endswith('"')):
                raise Refused(400, 9101, "TXT content must be quoted and is never proxied.")
        for record in self.records.values():
            if record["id"] == own_id or record["name"] != entry["name"]:
                continue
            if (record["type"] == "CNAME") != (entry["type"] == "CNAME"):
                raise Refused(400, 81054, "A CNAME record with that host already exists.")
            if (record["type"], record["content"]) == (entry["type"], entry["content"]):
                raise Refused(400, 81058, "An identical record already exists.")


def start(host, zone):
    return Server(host, Handler, State(zone)).start()
