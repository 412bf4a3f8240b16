// Whom to tell about a zone: a configured list, and the zone's NS set without its primary (RFC 1996 §3.3).
// Pure: where the addresses of name servers come from is the caller's.
#pragma once

#include <functional>
#include <vector>

#include "dns/address.h"
#include "dns/protocol.h"
#include "dns/tsig.h"
#include "dns/zone.h"

namespace swb::dns::transfer {

constexpr size_t secondariesMax = 64;  // of a zone

struct Secondary {
    Endpoint endpoint;
    TsigKeyPointer key;  // null: unsigned
};

struct NotifyRules {
    std::vector<Secondary> also;    // for every zone
    bool notifyNameServers = true;  // the NS set
    TsigKeyPointer nameServerKey;   // signs what goes to the NS set; null: unsigned
    uint16_t nameServerPort = defaultPort;
    std::vector<IpAddress> own;  // the server's own addresses: never told
};

using AddressesOf = std::function<std::vector<IpAddress>(const Name& server)>;

// The names in the NS set without the primary (MNAME); none when the rules leave the NS set out.
std::vector<Name> serversOf(const NotifyRules& rules, const ZoneSnapshot& zone);
// The A and AAAA records of a name in this zone.
std::vector<IpAddress> addressesIn(const ZoneSnapshot& zone, const Name& server);
std::vector<Secondary> secondariesOf(const NotifyRules& rules, const ZoneSnapshot& zone,
                                     const AddressesOf& addressesOf);

}  // namespace swb::dns::transfer
