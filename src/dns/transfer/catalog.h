// The catalog zone (RFC 9432, version 2): a generated zone that lists our zones, so that secondaries configure
// themselves. It is served and transferred like any other.
#pragma once

#include "dns/zone.h"

namespace swb::dns::transfer {

// The catalog of these members, in any order; a member's label is a hash of its name, so that it stays the same.
// previous: what was published last, or null. The same zone again when it lists the same members, otherwise the next
// serial.
Result<ZonePointer> makeCatalog(const Name& origin, const std::vector<Name>& members, const ZonePointer& previous);

// The zones a catalog lists.
std::vector<Name> membersOf(const ZoneSnapshot& catalog);

}  // namespace swb::dns::transfer
