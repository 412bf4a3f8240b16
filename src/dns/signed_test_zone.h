// For tests and fuzzing: a zone with the records of a signed one, whose signatures are of the right form and size but
// not by any key. Real ones are validated in the conformance suite.
#pragma once

#include "dns/sign/nsec.h"
#include "dns/zone.h"

namespace swb::dns::test {

inline Rdata formalSignature(const Name& signer, NameView owner, uint16_t covered, uint32_t ttlSeconds) {
    constexpr size_t signatureBytes = 64;
    Rdata data;
    const auto append = [&](uint32_t value, int octets) {
        while (octets-- > 0) data += static_cast<char>(value >> 8 * octets);
    };
    const bool isWildcard = owner.firstLabel() == "*";
    append(covered, 2);
    append(13, 1);
    append(static_cast<uint32_t>(owner.labelCount()) - (isWildcard ? 1 : 0), 1);
    append(ttlSeconds, 4);
    append(1'800'000'000, 4);
    append(1'700'000'000, 4);
    append(4711, 2);
    data += signer.view().wire();
    data.append(signatureBytes, 's');
    return data;
}

// Precondition: an unsigned zone.
inline Result<ZonePointer> formallySigned(const ZoneSnapshot& zone) {
    std::vector<ZoneRecordSet> sets;
    for (uint32_t position = 0; position < zone.nodeCount(); ++position) {
        const ZoneNode node = zone.nodeAt(position);
        const Name owner(node.name());
        const bool isHidden = zone.lookup(HashedName(owner), type::ds).found == ZoneSnapshot::Found::delegation;
        std::vector<uint16_t> types = {type::nsec, type::rrsig};
        for (RecordSet set : node.sets()) {
            types.push_back(set.type);
            const bool isOurs = !isHidden && !(node.isDelegation() && set.type == type::ns);
            if (isOurs) set.signatures = {formalSignature(zone.origin(), owner, set.type, set.ttlSeconds)};
            sets.push_back({owner, std::move(set)});
        }
        if (isHidden || node.sets().empty()) continue;
        const uint32_t ttlSeconds = zone.negativeTtlSeconds();
        sets.push_back({owner,
                        {type::nsec,
                         ttlSeconds,
                         {sign::nsecData(zone.successor(owner).name(), types)},
                         {formalSignature(zone.origin(), owner, type::nsec, ttlSeconds)}}});
    }
    return ZoneSnapshot::fromSets(zone.origin(), std::move(sets));
}

}  // namespace swb::dns::test
