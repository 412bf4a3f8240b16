// All records of one name and type, which share one TTL (RFC 2181 §5.2), with the signatures made over them.
#pragma once

#include <cstdint>
#include <vector>

#include "dns/rdata.h"

namespace swb::dns {

struct RecordSet {
    uint16_t type = 0;
    uint32_t ttlSeconds = 0;
    std::vector<Rdata> records;
    std::vector<Rdata> signatures = {};  // RRSIG data over this set, answered with the set's TTL; empty when unsigned

    bool operator==(const RecordSet&) const = default;
};

// A record set with the name it belongs to.
struct ZoneRecordSet {
    Name name;
    RecordSet set;

    bool operator==(const ZoneRecordSet&) const = default;
};

}  // namespace swb::dns
