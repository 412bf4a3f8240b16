// Who may do what between name servers: addresses, keys, or both. Nobody by default.
#pragma once

#include <optional>
#include <vector>

#include "dns/address.h"
#include "dns/name.h"

namespace swb::dns::transfer {

// "192.0.2.0/24", "2001:db8::/32", or an address alone for that one.
struct AddressPrefix {
    IpAddress address;  // bits behind the prefix are zero
    uint8_t bits = 0;

    static Result<AddressPrefix> fromText(std::string_view text);
    std::string toText() const;
    // An IPv4 address that came as IPv6 (::ffff:192.0.2.1) counts as IPv4.
    bool contains(const IpAddress& other) const;

    bool operator==(const AddressPrefix&) const = default;
};

// Everything that is set must fit. A rule without both lets nobody in.
struct AccessRule {
    std::vector<AddressPrefix> from;  // any of them; empty: from anywhere
    std::optional<Name> key;          // the request is signed with it

    bool operator==(const AccessRule&) const = default;
};

// key: of a verified signature, or null.
bool isAllowed(const std::vector<AccessRule>& rules, const IpAddress& client, const Name* key);

}  // namespace swb::dns::transfer
