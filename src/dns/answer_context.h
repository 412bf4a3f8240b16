// What an answer depends on besides the question and the zone. Everything is an input, the time too.
#pragma once

#include <cstdint>
#include <string_view>

#include "dns/address.h"
#include "dns/cookie.h"
#include "dns/protocol.h"
#include "dns/rate_limit.h"
#include "dns/zone_freshness.h"

namespace swb::dns {

struct AnswerContext {
    Transport transport = Transport::udp;
    IpAddress client;
    uint32_t unixSeconds = 0;                // for cookies
    int64_t monotonicMs = 0;                 // for the rate limit and the age of zones
    const CookieSecrets* cookies = nullptr;  // of this time; null: the server has no cookies
    RateLimiter* limiter = nullptr;          // null: no limit
    std::string_view nsid;                   // empty: the server does not say who it is
    uint16_t keepaliveTenths = 0;            // over TCP: what to say to who asks (RFC 7828); 0: nothing
    // The zone is the last good one and whoever could change it is gone: said with an extended error (RFC 8914).
    bool zoneIsStale = false;
    const ZoneFreshness* freshness = nullptr;  // null: no zone comes from a primary
};

}  // namespace swb::dns
