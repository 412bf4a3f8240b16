// The one form every change of a zone takes: what each touched record set was and what it becomes.
//
//     ZoneEdits ──ZoneSnapshot::draft──▶ ZoneChange ──signer──▶ ZoneChange ──ZoneSnapshot::with──▶ next snapshot
//                                                                    └──────ZoneJournal::append──▶ disk, IXFR
//
// A change says what was there before, so that applying it is a compare-and-set, and undoing it is possible.
#pragma once

#include <optional>

#include "dns/record_set.h"

namespace swb::dns {

// before and after are of this type; one of them may be absent, never both.
struct SetChange {
    Name name;
    uint16_t type = 0;
    std::optional<RecordSet> before, after;

    bool operator==(const SetChange&) const = default;
};

struct ZoneChange {
    Name origin;
    uint32_t fromSerial = 0, toSerial = 0;
    // By name in canonical order, then by type; each name and type once; the SOA's among them. Empty: nothing changes,
    // and the serials are equal.
    std::vector<SetChange> sets;

    bool isEmpty() const { return sets.empty(); }
    bool operator==(const ZoneChange&) const = default;
};

// The order of ZoneChange::sets.
bool sortsBefore(const SetChange& left, const SetChange& right);

// The change that leads back. For audits and tests: a zone's serial never goes back, so it is not applied to one.
ZoneChange inverseOf(ZoneChange change);

}  // namespace swb::dns
