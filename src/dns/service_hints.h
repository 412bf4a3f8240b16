// Address hints of HTTPS and SVCB records (RFC 9460 §7.3) that speak about a failover address follow its addresses.
//
// The rule: a record in service mode whose effective target ("." is its own name) is a failover address, and which was
// given any hint, gets as ipv4hint all the address's IPv4 addresses and as ipv6hint all its IPv6 ones, whatever it was
// given with. A record without hints gets none; one with another target is not touched. So a switch never leaves a
// hint behind that leads to the old site, at the address itself or at another name (_8443._https.shop, www).
#pragma once

#include <functional>
#include <optional>

#include "dns/address.h"
#include "dns/record_set.h"

namespace swb::dns {

constexpr bool isServiceType(uint16_t type) {
    return type == type::https || type == type::svcb;
}

// The effective targets of a set's records that are in service mode and have a hint.
std::vector<Name> hintTargets(const RecordSet& set, NameView owner);

// What hints about this name have to be; nothing when it is no failover address.
using HintAddresses = std::function<std::optional<std::vector<IpAddress>>(NameView target)>;

// Refused: a record about a failover address whose mandatory list names a hint, because a group may have addresses of
// the other family only.
Result<void> replaceHints(RecordSet& set, NameView owner, const HintAddresses& addressesOf);

}  // namespace swb::dns
