// Rules about record sets that stand together in a finished snapshot, shared by building and changing.
#pragma once

#include "dns/zone.h"

namespace swb::dns {

inline bool hasType(const std::vector<RecordSet>& sets, uint16_t type) {
    for (const RecordSet& set : sets)
        if (set.type == type) return true;
    return false;
}

// The A and AAAA sets that hold these addresses; those that would be empty are left out.
std::vector<RecordSet> addressSets(const std::vector<IpAddress>& addresses, uint32_t ttlSeconds);

// RFC 2181 §10.3: no NS record names an alias. Time proportional to the zone.
Result<void> checkNameServerTargets(const ZoneSnapshot& zone);
// A name that an epoch mark belongs to has addresses, and no delegation hides it; nothing to check without a mark.
Result<void> checkMarkedName(const ZoneSnapshot& zone, NameView name);

}  // namespace swb::dns
