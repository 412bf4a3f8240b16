// Master files (RFC 1035 §5) read into static records: how a zone that lived elsewhere is brought here.
//
// Understood: $ORIGIN, $TTL, parentheses, "@", quoted strings, escapes, relative names, an owner left out, TTL and
// class in any order, TTLs with units (1h30m), unknown types (RFC 3597). Refused with line and column: $INCLUDE and
// $GENERATE, other classes, names outside the zone, one set with two TTLs, everything the zone itself would refuse.
// Left out, and listed: what the zone makes itself (SOA, its own NS) and what its signer makes.
#pragma once

#include "dns/zone_definition.h"

namespace swb::dns {

constexpr size_t masterFileBytesMax = 32 << 20;

struct MasterFile {
    std::vector<ZoneRecordSet> records;  // by name in canonical order, then by type
    std::vector<std::string> leftOut;    // sentences with their line, at most leftOutMax
    size_t leftOutCount = 0;

    static constexpr size_t leftOutMax = 100;
};

Result<MasterFile> readMasterFile(std::string_view text, const Name& origin);

// All record sets as a master file of absolute names, one record a line.
std::string masterFileText(const std::vector<ZoneRecordSet>& records);

}  // namespace swb::dns
