// The whole zone: what has to change so that it is as its keys want it.
//
// One answer to many occasions: enabling (nothing is signed yet), disabling (no keys), a roll-over's next stage,
// signatures that come to their end, keys or CDS to publish. Looking costs time proportional to the zone; what is
// found is delivered in bounded parts, each a ZoneChange of its own with the next serial, so that secondaries follow
// by IXFR and a part never takes long. In between the zone is valid: an old signature is replaced together with what
// replaces it, and the chain of NSEC is made before anybody validates it.
#pragma once

#include "dns/sign/signing_work.h"
#include "dns/zone.h"

namespace swb::dns::sign {

struct UpkeepLimits {
    size_t setsMax = 4'000;  // of one change, about 1 MiB of journal: a switch may have to wait for one
    unsigned threads = 1;
};

struct Upkeep {
    ZoneChange change;    // empty: the zone is in place
    size_t setsLeft = 0;  // for further changes
    uint32_t longestTtlSeconds = 0;
    UnixSeconds nextDue = 0;  // when a signature comes to be made anew; 0: none
};

Result<Upkeep> upkeep(const ZoneSnapshot& zone, const KeySet& keys, UnixSeconds now, const UpkeepLimits& limits);

// Everything upkeep() would change but the serial, as work to be signed, in no particular order.
std::vector<SigningWork> findWork(const ZoneSnapshot& zone, const KeySet& keys, UnixSeconds now);

// For signing a change (change_signing.h) in the same way.
//
// Whether a set of a name that is not hidden is signed: at a delegation only what is about it is ours.
bool isSignedAt(uint16_t type, bool isDelegation);
std::vector<uint16_t> typesForNsec(const ZoneNode& node, const KeySet& keys);
RecordSet nsecSet(NameView next, std::vector<uint16_t> types, const ZoneSnapshot& zone);

}  // namespace swb::dns::sign
