// Static records of a zone that the controller answers, beside the failover addresses. One document of kind "zone" in
// the store, its id the zone's name. What the text of a record means is for the dns module to judge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace swb {

// All records of one name and type.
struct StaticRecords {
    std::string name;  // full, lower case, without the final dot
    std::string type;  // "A", "TXT", "TYPE65280"
    int64_t ttl = 3600;
    std::vector<std::string> data;  // master-file form, names in it absolute
};

// A name that answers another name's addresses, where a CNAME cannot stand (a zone's apex). Addresses of a failover
// group switch with it; those of foreign names are looked up by the controller (dispatch/alias_keeper.h).
struct Alias {
    std::string name, target;  // full, without the final dot
    int64_t ttl = 300;         // seconds, at most
};

struct Zone {
    std::string name;  // without the final dot
    std::vector<StaticRecords> records;
    std::vector<Alias> aliases;

    const Alias* aliasAt(std::string_view recordName) const;
};

constexpr size_t staticRecordSetsMax = 10'000;  // of one zone
constexpr size_t staticRecordDataMax = 256;     // records of one set
constexpr size_t aliasesMax = 100;              // of one zone: each is looked up again and again

Json toJson(const StaticRecords& records);
Json toJson(const Alias& alias);
Json toJson(const Zone& zone);
Result<Zone> zoneFromJson(const Json& value);

}  // namespace swb
