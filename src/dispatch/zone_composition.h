// What documents say about zones: the pure part of publishing.
#pragma once

#include "dispatch/publisher.h"
#include "model/application.h"

namespace swb::dispatch {

// Kind of the documents that hold a zone's static records; the id is the zone's name without the final dot, the body
// {"records": […]} as in dns/record_json.h.
constexpr std::string_view zoneDocumentKind = "zone";

Result<dns::ZoneDefinition> emptyZone(const ZoneSettings& settings);
Result<std::vector<dns::ZoneRecordSet>> staticRecords(const store::Store& store, const dns::Name& zone);
Json zoneDocument(const std::vector<dns::ZoneRecordSet>& records);

// Nothing when the group's address is only reserved.
Result<std::optional<dns::FailoverAddress>> failoverAddressOf(const Group& group, const Application* current);
Result<Application> applicationOf(const store::Document& document);

// The store's view of the groups, put beside what the zone answers. An entry of an older epoch is replaced by the
// zone's; an address of the zone whose group the store does not know is kept, unless the event log says that the group
// was deleted. Both are logged.
Result<void> keepLastGood(dns::ZoneDefinition& wanted, const dns::ZoneSnapshot& answered, const store::Store& store,
                          const std::map<std::string, Group>& groupsById);

}  // namespace swb::dispatch
