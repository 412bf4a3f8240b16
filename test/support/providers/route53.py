"""A stand-in for Route 53 (API version 2013-04-01): signatures checked, batches all or nothing, changes PENDING first."""
import calendar
import copy
import hashlib
import hmac
import ipaddress
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from stand_in import Handler, Server

ACCESS, SECRET = "AKIATESTTESTTEST", "test/secret+key"
NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
PENDING_LOOKS = 2  # how often GetChange says PENDING


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class State:
    prefix, credential, zone_id = "", f"{ACCESS}:{SECRET}", "Z0123456789TEST"

    def __init__(self, zone):
        self.zone, self.changes, self.sets = zone, {}, {}
        for name, kind, value in [("www", "A", "192.0.2.1"), ("alias", "CNAME", f"www.{zone}"), ("locked", "A", None)]:
            self.sets[(f"{name}.{zone}.", kind)] = (60, [value] if value else None)

    def headers(self):
        return [("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")]

    def rate_limited(self):
        return 400, "text/xml", self.failure("Throttling", "Rate exceeded")

    @staticmethod
    def failure(code, message):
        return (f'<?xml version="1.0"?>\n<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
                f"<Message>{escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>").encode()

    @staticmethod
    def success(name, inside):
        return 200, "text/xml", f'<?xml version="1.0"?>\n<{name} xmlns="{NAMESPACE}">{inside}</{name}>'.encode()

    def handle(self, method, path, headers, body):
        try:
            self.check_signature(method, path, headers, body)
            parts = urllib.parse.urlsplit(path)
            return self.route(method, parts.path, dict(urllib.parse.parse_qsl(parts.query)), body)
        except Refused as refused:
            return refused.status, "text/xml", self.failure(refused.code, str(refused))

    def check_signature(self, method, path, headers, body):
        value = headers.get("Authorization") or ""
        if not value.startswith("AWS4-HMAC-SHA256 "):
            raise Refused(403, "MissingAuthenticationToken", "Missing Authentication Token")
        fields = dict(part.strip().split("=", 1) for part in value[len("AWS4-HMAC-SHA256 "):].split(","))
        access, day, region, service, end = fields["Credential"].split("/")
        stamp = headers.get("X-Amz-Date", "")
        if access != ACCESS:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if (region, service, end) != ("us-east-1", "route53", "aws4_request") or not stamp.startswith(day):
            raise Refused(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.")
        if abs(calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.time()) > 300:
            raise Refused(403, "SignatureDoesNotMatch", "Signature expired")
        names = fields["SignedHeaders"].split(";")
        if "host" not in names or "x-amz-date" not in names:
            raise Refused(403, "SignatureDoesNotMatch", "host and x-amz-date must be signed")
        parts = urllib.parse.urlsplit(path)
        query = "&".join(sorted(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}"
                                for k, v in urllib.parse.parse_qsl(parts.query, keep_blank_values=True)))
        canonical = "\n".join([method, urllib.parse.quote(urllib.parse.unquote(parts.path), safe="/-_.~"), query,
                               *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in names), "",
                               ";".join(names), hashlib.sha256(body).hexdigest()])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/{service}/{end}",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{SECRET}".encode()
        for part in (day, region, service, end):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest(), fields["Signature"]):
            raise Refused(403, "SignatureDoesNotMatch",
                          "The request signature we calculated does not match the signature you provided.")

    def route(self, method, path, query, body):
        zone = f"/2013-04-01/hostedzone/{self.zone_id}"
        if method == "GET" and path == "/2013-04-01/hostedzonesbyname":
            return self.success("ListHostedZonesByNameResponse", f"<HostedZones><HostedZone><Id>/hostedzone/{self.zone_id}"
                                f"</Id><Name>{self.zone}.</Name><Config><PrivateZone>false</PrivateZone></Config>"
                                "</HostedZone></HostedZones><IsTruncated>false</IsTruncated><MaxItems>10</MaxItems>")
        if method == "GET" and path == f"{zone}/rrset":
            return self.list(query)
        if method == "POST" and path.rstrip("/") == f"{zone}/rrset":
            return self.change(body)
        if method == "GET" and path.startswith("/2013-04-01/change/"):
            return self.look(path.rsplit("/", 1)[1])
        if path.startswith("/2013-04-01/hostedzone/"):
            raise Refused(404, "NoSuchHostedZone", "No hosted zone found with that ID")
        raise Refused(404, "UnknownOperation", "unknown")

    # Names in the order of Route 53: labels from the right; from the asked name on.
    def list(self, query):
        if set(query) - {"name", "type", "identifier", "maxitems"} or ("type" in query and "name" not in query):
            raise Refused(400, "InvalidInput", "The input is not valid")
        order = lambda item: (item[0][0].split(".")[::-1], item[0][1])
        start = query.get("name", "").split(".")[::-1]
        found = [item for item in sorted(self.sets.items(), key=order) if order(item)[0] >= start]
        most = min(int(query.get("maxitems", "300")), 300)
        inside = "".join(self.one(name, kind, *rest) for (name, kind), rest in found[:most])
        end = "<IsTruncated>false</IsTruncated>"
        if len(found) > most:
            name, kind = found[most][0]
            end = f"<IsTruncated>true</IsTruncated><NextRecordName>{name}</NextRecordName><NextRecordType>{kind}</NextRecordType>"
        return self.success("ListResourceRecordSetsResponse",
                            f"<ResourceRecordSets>{inside}</ResourceRecordSets>{end}<MaxItems>{most}</MaxItems>")

    @staticmethod
    def one(name, kind, ttl, values):
        if values is None:
            return (f"<ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type><AliasTarget><HostedZoneId>Z2</HostedZoneId>"
                    "<DNSName>lb.example.</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
                    "</ResourceRecordSet>")
        records = "".join(f"<ResourceRecord><Value>{escape(value)}</Value></ResourceRecord>" for value in values)
        return (f"<ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type><TTL>{ttl}</TTL>"
                f"<ResourceRecords>{records}</ResourceRecords></ResourceRecordSet>")

    def change(self, body):
        tag = lambda name: f"{{{NAMESPACE}}}{name}"
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            raise Refused(400, "InvalidInput", "XML is not well-formed") from error
        if root.tag != tag("ChangeResourceRecordSetsRequest"):
            raise Refused(400, "InvalidInput", "Invalid XML")
        changes = root.findall(f"{tag('ChangeBatch')}/{tag('Changes')}/{tag('Change')}")
        if not 1 <= len(changes) <= 1000:
            raise Refused(400, "InvalidInput", "1 to 1000 changes")
        before = copy.deepcopy(self.sets)
        try:
            for change in changes:
                self.apply(change.findtext(tag("Action")), change.find(tag("ResourceRecordSet")), tag)
        except Refused:
            self.sets = before
            raise
        change_id = f"C{len(self.changes) + 1}"
        self.changes[change_id] = PENDING_LOOKS
        return self.success("ChangeResourceRecordSetsResponse", self.info(change_id, "PENDING"))

    def apply(self, action, entry, tag):
        invalid = lambda text: Refused(400, "InvalidChangeBatch", f"[{text}]")
        name, kind, ttl = entry.findtext(tag("Name")), entry.findtext(tag("Type")), entry.findtext(tag("TTL"))
        values = [record.findtext(tag("Value")) for record in entry.iter(tag("ResourceRecord"))]
        where = f"[name='{name}', type='{kind}']"
        if not name.endswith(f".{self.zone}.") and name != f"{self.zone}.":
            raise invalid(f"RRSet with DNS name {name} is not permitted in zone {self.zone}.")
        if not values or ttl is None:
            raise invalid("Invalid request: Missing field 'ResourceRecords' in ResourceRecordSet")
        for value in values:
            if kind in ("A", "AAAA") and ipaddress.ip_address(value).version != (4 if kind == "A" else 6):
                raise invalid(f"Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address' with '{value}'")
            if kind == "TXT" and not (value.startswith('"') and value.endswith('"')):
                raise invalid(f"Invalid Resource Record: 'FATAL problem: InvalidCharacterString' with '{value}'")
        key, wanted = (name, kind), (int(ttl), values)
        if action == "DELETE":
            if key not in self.sets:
                raise invalid(f"Tried to delete resource record set {where} but it was not found")
            if self.sets[key][1] is None or (self.sets[key][0], sorted(self.sets[key][1])) != (int(ttl), sorted(values)):
                raise invalid(f"Tried to delete resource record set {where} but the values provided do not match the current values")
            del self.sets[key]
        elif action in ("CREATE", "UPSERT"):
            if action == "CREATE" and key in self.sets:
                raise invalid(f"Tried to create resource record set {where} but it already exists")
            if any(other == name and ("CNAME" in (kind, other_kind)) and other_kind != kind for other, other_kind in self.sets):
                raise invalid(f"RRSet of type {kind} with DNS name {name} is not permitted as it conflicts with other records")
            self.sets[key] = wanted
        else:
            raise Refused(400, "InvalidInput", "Invalid action")

    @staticmethod
    def info(change_id, status):
        return (f"<ChangeInfo><Id>/change/{change_id}</Id><Status>{status}</Status>"
                "<SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>")

    def look(self, change_id):
        if change_id not in self.changes:
            raise Refused(404, "NoSuchChange", "A change with that ID does not exist.")
        self.changes[change_id] -= 1
        return self.success("GetChangeResponse", self.info(change_id, "PENDING" if self.changes[change_id] >= 0 else "INSYNC"))


def start(host, zone):
    return Server(host, Handler, State(zone)).start()
