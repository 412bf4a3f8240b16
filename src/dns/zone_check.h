// What the parts of a zone must fulfil, each by itself; what only shows when they stand together is checked where they
// come together (zone_build.cpp, zone_with.cpp).
#pragma once

#include "dns/zone.h"

namespace swb::dns {

Result<void> checkDefinition(const ZoneDefinition& definition);
Result<void> checkFailoverAddress(NameView origin, const FailoverAddress& address);
// A record set somebody wants beside the groups' addresses.
Result<void> checkStaticSet(NameView origin, const ZoneRecordSet& record);
// Any record set, wherever it comes from.
Result<void> checkRecordSet(NameView origin, NameView name, const RecordSet& set);
// All sets of one name, sorted by type.
Result<void> checkNodeSets(NameView name, const std::vector<RecordSet>& sets);

}  // namespace swb::dns
