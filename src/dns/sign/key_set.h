// What signing needs to know of a zone's keys at one moment (KeyRing has the rest): who signs what, and which sets
// stand at the top of the zone because of the keys.
#pragma once

#include <memory>
#include <vector>

#include "dns/record_set.h"
#include "dns/sign/key.h"
#include "dns/sign/set_signing.h"

namespace swb::dns::sign {

using SharedKey = std::shared_ptr<const SigningKey>;

struct KeySet {
    std::vector<SharedKey> keySigners;   // of DNSKEY, CDS and CDNSKEY
    std::vector<SharedKey> zoneSigners;  // of everything else; empty: the zone is not signed
    std::vector<RecordSet> apexSets;     // DNSKEY, CDS, CDNSKEY, by type, without signatures
    SignaturePolicy policy;
    // The zone has been signed as a whole, so every name has its NSEC. Until then a change leaves the chain alone.
    bool isChainComplete = false;

    bool isSigned() const { return !zoneSigners.empty(); }
    const std::vector<SharedKey>& signersOf(uint16_t number) const {
        return isKeyType(number) ? keySigners : zoneSigners;
    }
    static bool isKeyType(uint16_t number) {
        return number == type::dnskey || number == type::cds || number == type::cdnskey;
    }
};

}  // namespace swb::dns::sign
