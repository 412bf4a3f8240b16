// What documents say about zones: the pure part of publishing.
#pragma once

#include <span>

#include "dispatch/publisher.h"
#include "model/application.h"
#include "model/zone.h"

namespace swb::dispatch {

Result<dns::ZoneDefinition> emptyZone(const ZoneSettings& settings);
// How names stand in documents: lower case, without the final dot.
std::string documentText(const dns::Name& name);
// The document of kind "zone" about this zone; one without records when there is none.
Result<swb::Zone> zoneDocument(const store::Store& store, const dns::Name& zone);
// The zone's own record sets; with them the addresses that aliases to foreign names have (alias_keeper.h).
Result<std::vector<dns::ZoneRecordSet>> staticRecords(const store::Store& store, const swb::Zone& zone);

// Nothing when the group's address is only reserved.
Result<std::optional<dns::FailoverAddress>> failoverAddressOf(const Group& group, const Application* current);
// The same answer at an alias of the group's address.
Result<dns::FailoverAddress> atAlias(const dns::FailoverAddress& address, const Alias& alias);
// Hints in one zone may be about an address in another: each definition gets those that it needs.
void followAcrossZones(std::span<dns::ZoneDefinition* const> zones);
Result<Application> applicationOf(const store::Document& document);

// The store's view of the groups, put beside what the zone answers. An entry of an older epoch is replaced by the
// zone's; an address of the zone whose group the store does not know is kept, unless the event log says that the group
// was deleted. Both are logged.
Result<void> keepLastGood(dns::ZoneDefinition& wanted, const dns::ZoneSnapshot& answered, const store::Store& store,
                          const std::map<std::string, Group>& groupsById);

}  // namespace swb::dispatch
