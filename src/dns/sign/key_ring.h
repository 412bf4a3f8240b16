// All keys of one zone with the stage they are in: one document, which is the whole memory of the signer.
//
//     KeyRing ──keyRingToJson(sealed)──▶ file      private halves leave memory only sealed, bound to zone and key
//        │
//        ├──keySetOf()──▶ KeySet: who signs what, and the sets at the top of the zone that follow from it
//        └──wantedDs()──▶ what the parent is to publish
#pragma once

#include <memory>
#include <vector>

#include "base/json.h"
#include "crypto/seal.h"
#include "dns/sign/key_set.h"
#include "dns/sign/roll_machine.h"

namespace swb::dns::sign {

// Of one roll-over there are two keys of each role at most; more is not a document of ours.
constexpr size_t keysMax = 8;

struct RingKey {
    SharedKey key;
    bool isSuccessor = false;
    UnixSeconds madeAt = 0;
};

struct KeyRing {
    RollState state;
    std::vector<RingKey> keys;
};

Json keyRingToJson(const KeyRing& ring, NameView zone, const crypto::Sealer& sealer);
Result<KeyRing> keyRingFromJson(const Json& value, NameView zone, const crypto::Sealer& sealer);

// Makes the keys a decision asks for and carries out what it says about the old ones. The algorithm is for new keys;
// isSplit: KSK and ZSK instead of a CSK, when enabling.
Result<KeyRing> follow(KeyRing ring, const RollDecision& decision, Algorithm algorithm, bool isSplit, UnixSeconds now);

KeySet keySetOf(const KeyRing& ring, NameView zone, uint32_t keysTtlSeconds, const SignaturePolicy& policy);

// The keys the parent is to name in its present stage, successors instead of those they replace; empty: none.
std::vector<SharedKey> delegatedKeys(const KeyRing& ring);
// Whether the DS set seen at the parent is exactly as asked: each DS of one of delegatedKeys(), at least one of each.
bool parentAgrees(const KeyRing& ring, NameView zone, const std::vector<Rdata>& seen);

}  // namespace swb::dns::sign
