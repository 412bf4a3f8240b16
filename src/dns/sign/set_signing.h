// RRSIG records: signing one record set, reading a signature, and deciding when it is due to be made anew.
//
// Pure but for the randomness inside ECDSA; times come in. A signature is made with an inception in the past, so that
// a resolver whose clock is behind accepts it, and an expiration that differs from set to set, so that a zone signed in
// one go is not due in one go.
#pragma once

#include "dns/record_set.h"
#include "dns/sign/key.h"

namespace swb::dns::sign {

using UnixSeconds = int64_t;

struct SignaturePolicy {
    uint32_t validitySeconds = 14 * 86400;
    uint32_t jitterSeconds = 3 * 86400;   // at most this much less
    uint32_t backdateSeconds = 2 * 3600;  // RFC 6781 §4.4.2: clocks of resolvers
    // A signature with less than this left is made anew.
    uint32_t refreshSeconds() const { return validitySeconds / 3; }
};

// The fields of RRSIG data; the signature itself is left out.
struct Signature {
    uint16_t typeCovered = 0;
    uint8_t algorithm = 0;
    uint8_t labels = 0;
    uint32_t originalTtlSeconds = 0;
    UnixSeconds expiration = 0;
    UnixSeconds inception = 0;
    uint16_t keyTag = 0;

    bool isBy(const SigningKey& key) const {
        return keyTag == key.tag() && algorithm == static_cast<uint8_t>(key.algorithm());
    }
};

// Nothing when the data is too short. Times are taken as the ones nearest to `now` (RFC 4034 §3.1.5).
std::optional<Signature> readSignature(std::string_view rrsig, UnixSeconds now);

Result<Rdata> signSet(const SigningKey& key, NameView owner, NameView zone, const RecordSet& set, UnixSeconds now,
                      const SignaturePolicy& policy);
// Whether the RRSIG data is a good signature of the set by that key and `now` lies between its times.
bool verifySet(const Rdata& dnskey, const Rdata& rrsig, NameView owner, const RecordSet& set, UnixSeconds now);

}  // namespace swb::dns::sign
