// Address hints of HTTPS and SVCB records (RFC 9460 §7.3) at a failover name follow the group's addresses.
//
// The rule: a record of such a name that speaks about the name itself (service mode; target "." or the name) and was
// given any hint gets as ipv4hint all the group's IPv4 addresses and as ipv6hint all its IPv6 ones, whatever it was
// given with. A record without hints gets none. So a switch never leaves a hint behind that leads to the old site.
#pragma once

#include "dns/address.h"
#include "dns/record_set.h"

namespace swb::dns {

constexpr bool isServiceType(uint16_t type) {
    return type == type::https || type == type::svcb;
}

// Refused: a record whose mandatory list names a hint, because a group may have addresses of the other family only.
Result<void> replaceHints(RecordSet& set, NameView owner, const std::vector<IpAddress>& addresses);

}  // namespace swb::dns
