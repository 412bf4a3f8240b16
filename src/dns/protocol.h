// Numbers of the DNS protocol (IANA registries), as far as this server uses them by name.
// Every other type or class is a plain number and handled as RFC 3597 says.
#pragma once

#include <cstddef>
#include <cstdint>

namespace swb::dns {

constexpr uint16_t defaultPort = 53;
constexpr size_t headerBytes = 12;
constexpr size_t optRecordBytes = 11;      // an OPT record without options
constexpr size_t plainUdpBytes = 512;      // RFC 1035: without EDNS
constexpr size_t ednsUdpBytes = 1232;      // fits every path that carries IPv6 at all, so nothing is fragmented
constexpr size_t messageBytesMax = 65535;  // what the length before a message on TCP can say
constexpr uint32_t ttlMax = 0x7fffffff;    // RFC 2181 §8

namespace type {
constexpr uint16_t a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, hinfo = 13, mx = 15, txt = 16, aaaa = 28, srv = 33,
                   naptr = 35, dname = 39, opt = 41, ds = 43, sshfp = 44, rrsig = 46, nsec = 47, dnskey = 48,
                   nsec3 = 50, nsec3param = 51, tlsa = 52, cds = 59, cdnskey = 60, csync = 62, svcb = 64, https = 65,
                   uri = 256, caa = 257;
constexpr uint16_t tsig = 250, ixfr = 251, axfr = 252, any = 255;
}  // namespace type

namespace recordClass {
constexpr uint16_t internet = 1, any = 255;
}  // namespace recordClass

namespace opcode {
constexpr uint8_t query = 0, notify = 4, update = 5;
}  // namespace opcode

namespace rcode {
constexpr uint16_t noError = 0, formatError = 1, serverFailure = 2, nameError = 3, notImplemented = 4, refused = 5;
constexpr uint16_t notAuthoritative = 9;
constexpr uint16_t badVersion = 16, badCookie = 23;  // extended: the upper eight bits travel in the OPT record
}  // namespace rcode

// The second 16 bits of the header.
namespace flag {
constexpr uint16_t response = 0x8000, authoritative = 0x0400, truncated = 0x0200, recursionDesired = 0x0100;
constexpr uint16_t opcodeMask = 0x7800, rcodeMask = 0x000f;
}  // namespace flag

constexpr uint16_t ednsDnssecOk = 0x8000;

// EDNS options.
namespace option {
constexpr uint16_t nsid = 3, expire = 9, cookie = 10, tcpKeepalive = 11, extendedError = 15, zoneVersion = 19;
}  // namespace option

// RFC 8914.
namespace extendedError {
constexpr uint16_t staleAnswer = 3, notReady = 14, prohibited = 18, notAuthoritative = 20, notSupported = 21;
}  // namespace extendedError

enum class Transport : uint8_t { udp, tcp };

}  // namespace swb::dns
