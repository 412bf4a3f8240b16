// One record set on its way to being signed, and signing many of them on all cores.
#pragma once

#include "dns/change.h"
#include "dns/sign/key_set.h"

namespace swb::dns::sign {

// A change of one set whose `after` still lacks signatures by some keys.
struct SigningWork {
    SetChange change;
    std::vector<const SigningKey*> missing;
};

// Keeps of `kept` (RRSIG data over the same set) one signature for each signer that stays valid for longer than
// policy.refreshSeconds(), puts them into `set`, and answers the signers that have none.
std::vector<const SigningKey*> keepSignatures(RecordSet& set, const std::vector<Rdata>& kept,
                                              const std::vector<SharedKey>& signers, UnixSeconds now,
                                              const SignaturePolicy& policy);

// Makes the missing signatures. threads: at most so many, 1 for few sets.
Result<void> signAll(std::vector<SigningWork>& work, NameView zone, UnixSeconds now, const SignaturePolicy& policy,
                     unsigned threads);

// When the first signature of the set must be made anew; nothing when it has none.
std::optional<UnixSeconds> refreshDue(const RecordSet& set, UnixSeconds now, const SignaturePolicy& policy);

}  // namespace swb::dns::sign
