// Record sets as JSON: how static records are stored and sent.
//     [{"name": "www.fo.example.", "type": "CNAME", "ttl": 600, "data": ["shop.fo.example."]}, …]
#pragma once

#include "base/json.h"
#include "dns/zone_definition.h"

namespace swb::dns {

JsonArray recordSetsToJson(const std::vector<ZoneRecordSet>& sets);
// The error names the entry. At most zoneRecordSetsMax.
Result<std::vector<ZoneRecordSet>> recordSetsFromJson(const JsonArray& list, const std::string& path = "records");

}  // namespace swb::dns
