"""A zone signed with NSEC by ldns, for servers that answer what they are given."""
import os
import subprocess

import dns_peers

ALGORITHM = "ECDSAP256SHA256"
# Servers that answer a zone file with signatures as it is.
CAN_SIGNED = (dns_peers.OURS, "knot", "nsd", "bind")
# Types whose text ours is not asked to read: their data travels as RFC 3597 writes it.
_GENERIC = ("RRSIG", "NSEC", "DNSKEY", "DS", "HTTPS")


class SignedZone:
    def __init__(self, origin, zone_file, directory):
        """zone_file: one record a line. Files are left in the directory."""
        key = self._run([dns_peers.program("ldns-keygen"), "-a", ALGORITHM, "-k", origin], directory).strip()
        signed = os.path.join(directory, "signed.db")
        self._run([dns_peers.program("ldns-signzone"), "-f", signed, zone_file, key], directory)
        with open(signed) as file:
            lines = [line for line in file if line.strip() and not line.startswith(";")]
        self.path = dns_peers.write(os.path.join(directory, "signed-plain.db"), "".join(lines))
        words = [word for kind in _GENERIC for word in ("-u", kind)]
        self.generic = dns_peers.write(os.path.join(directory, "signed-generic.db"),
                                       self._run([dns_peers.program("ldns-read-zone"), *words, self.path], directory))
        with open(os.path.join(directory, f"{key}.key")) as file:
            fields = file.read().split()
        at = fields.index("DNSKEY")
        flags, protocol, algorithm = fields[at + 1:at + 4]
        public = "".join(word for word in fields[at + 4:at + 6] if not word.startswith(";"))
        self.anchors = dns_peers.write(
            os.path.join(directory, "anchors.conf"),
            f'trust-anchors {{ "{origin}." static-key {flags} {protocol} {algorithm} "{public}"; }};\n')

    def file_for(self, server):
        return self.generic if server == dns_peers.OURS else self.path

    @staticmethod
    def _run(argv, directory):
        return subprocess.run(argv, cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout
