// The records of an answer: what the zone says about a name, and in a signed zone the proof of it.
//
// Signatures and proofs are added for clients that asked for them (DO). Everything they need to believe the answer is
// required: when it does not fit, the reply is truncated (RFC 4035 §3.1.1).
#pragma once

#include "dns/reply.h"
#include "dns/zone.h"

namespace swb::dns {

// Precondition: the name is at or below the zone's origin, and nothing has been added to the reply.
void addRecords(Reply& reply, const ZoneSnapshot& zone, const HashedName& asked, uint16_t askedType);

}  // namespace swb::dns
