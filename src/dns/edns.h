// The OPT record of RFC 6891: what a query asks for with it, and what a reply says in it.
//
// Known options: NSID (5001), EXPIRE (7314), COOKIE (7873), edns-tcp-keepalive (7828), extended errors (8914, replies
// only), ZONEVERSION (9660). All others are stepped over and never echoed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dns/cookie.h"
#include "dns/wire.h"

namespace swb::dns {

struct EdnsRequest {
    bool present = false;
    uint16_t udpBytes = 0;
    uint8_t version = 0;
    bool dnssecOk = false;
    bool wantsNsid = false;
    bool wantsExpire = false;
    bool wantsZoneVersion = false;
    bool wantsKeepalive = false;
    // Empty, a client's cookie, or that and a server's: a view into the query.
    std::span<const uint8_t> cookie;

    bool hasCookie() const { return !cookie.empty(); }
    // Precondition: hasCookie().
    ClientCookie clientCookie() const { return cookie.first<clientCookieBytes>(); }
    std::span<const uint8_t> serverCookie() const { return cookie.subspan(clientCookieBytes); }
};

// Reads the options of an OPT record, `length` octets of them; false when they are malformed.
bool readOptions(WireReader& reader, size_t length, EdnsRequest& edns);

struct EdnsReply {
    bool dnssecOk = false;
    std::optional<uint16_t> extendedError;
    std::string_view nsid;  // empty: not said
    std::optional<uint32_t> expireSeconds;
    std::optional<uint16_t> keepaliveTenths;  // of a second: how long an idle connection is kept (RFC 7828)
    struct ZoneVersion {
        uint8_t labels = 0;  // of the zone's name
        uint32_t serial = 0;
    };
    std::optional<ZoneVersion> zoneVersion;
    struct Cookie {
        std::array<uint8_t, clientCookieBytes> client;
        ServerCookie server;
    };
    std::optional<Cookie> cookie;
};

// The record's length in a message.
size_t optBytes(const EdnsReply& edns);
void writeOpt(WireWriter& writer, const EdnsReply& edns, uint16_t rcode);

}  // namespace swb::dns
