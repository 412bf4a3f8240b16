// The mark beside each failover address: a TXT record at _swingbridge.<name> that says "group=<id> epoch=<n>".
//
// It travels with the zone, so that a node, a secondary or an auditor sees which decision an answer comes from, and so
// that nobody takes a zone for newer that goes back to an older decision, whatever its serial says (ADR 7).
#pragma once

#include <optional>

#include "dns/record_set.h"

namespace swb::dns {

struct EpochMark {
    std::string_view group;
    int64_t epoch = 0;
};

// The views of the result point into the set. Nothing when the set is no mark.
std::optional<EpochMark> epochMarkOf(const RecordSet& set);
RecordSet epochMarkSet(std::string_view group, int64_t epoch, uint32_t ttlSeconds);

// The refusal of an older epoch.
Error epochOld(std::string_view group, int64_t known, int64_t offered);

bool isEpochMarkName(NameView name);
// Precondition: isEpochMarkName.
inline NameView markedName(NameView markName) {
    return markName.parent();
}
// False when the name is too long to have one.
bool epochMarkName(NameView failoverName, NameBuffer& out);

}  // namespace swb::dns
