// Signing a change before it is published: the sets it touches, the SOA, and the NSEC of names whose types change or
// whose next name does. Time proportional to the change.
//
//     ZoneSnapshot::draft ──▶ unsigned ZoneChange ──signChange──▶ ZoneChange ──▶ ZoneSnapshot::with, journal
//
// A change of the delegations, or of how long negative answers are kept, reaches further than its own names: then the
// whole zone is looked at, and still only what differs is signed.
#pragma once

#include "dns/sign/zone_signing.h"

namespace swb::dns::sign {

// Precondition: the change was drafted from `before`, and touches no set that only signing makes.
Result<ZoneChange> signChange(const ZoneSnapshot& before, ZoneChange change, const KeySet& keys, UnixSeconds now);

}  // namespace swb::dns::sign
