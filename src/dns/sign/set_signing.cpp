#include "dns/sign/set_signing.h"

#include "dns/sign/canonical.h"

namespace swb::dns::sign {
namespace {

constexpr size_t fixedBytes = 18;  // of RRSIG data before the signer's name

// RFC 4034 §3.1.3: without the root, and without the asterisk of a wildcard.
uint8_t labelsField(NameView owner) {
    const size_t labels = owner.labelCount();
    const bool isWildcard = !owner.isRoot() && owner.firstLabel() == "*";
    return static_cast<uint8_t>(isWildcard ? labels - 1 : labels);
}

// The same set at the same moment gets the same jitter, so a change can be made twice with the same times.
uint32_t jitterOf(NameView owner, uint16_t type, UnixSeconds now, uint32_t jitterSeconds) {
    uint64_t mixed = NameHash()(owner) ^ static_cast<uint64_t>(type) << 48 ^ static_cast<uint64_t>(now);
    mixed = (mixed ^ mixed >> 31) * 0x9e3779b97f4a7c15;
    return jitterSeconds == 0 ? 0 : static_cast<uint32_t>((mixed >> 32) % jitterSeconds);
}

// RFC 4034 §3.1.8.1, after the RRSIG data without its signature.
void appendSet(std::string& octets, NameView owner, uint8_t labels, const RecordSet& set, uint32_t ttlSeconds) {
    std::string name = lowerCaseName(owner);
    // What a resolver sees under a wildcard is the name asked for; both sides sign the asterisk.
    NameView rest = owner;
    bool shortened = false;
    for (size_t count = owner.labelCount(); count > labels; --count) {
        rest = rest.parent();
        shortened = true;
    }
    if (shortened) name = std::string("\1*", 2) + lowerCaseName(rest);
    for (const Rdata& record : canonicalRecords(set.type, set.records)) {
        octets += name;
        appendU16(octets, set.type);
        appendU16(octets, recordClass::internet);
        appendU32(octets, ttlSeconds);
        appendU16(octets, static_cast<uint16_t>(record.size()));
        octets += record;
    }
}

UnixSeconds nearest(uint32_t time, UnixSeconds now) {
    return now + static_cast<int32_t>(time - static_cast<uint32_t>(now));
}

}  // namespace

std::optional<Signature> readSignature(std::string_view rrsig, UnixSeconds now) {
    if (rrsig.size() <= fixedBytes) return std::nullopt;
    Signature signature;
    signature.typeCovered = readU16(rrsig, 0);
    signature.algorithm = static_cast<uint8_t>(rrsig[2]);
    signature.labels = static_cast<uint8_t>(rrsig[3]);
    signature.originalTtlSeconds = readU32(rrsig, 4);
    signature.expiration = nearest(readU32(rrsig, 8), now);
    signature.inception = nearest(readU32(rrsig, 12), now);
    signature.keyTag = readU16(rrsig, 16);
    return signature;
}

Result<Rdata> signSet(const SigningKey& key, NameView owner, NameView zone, const RecordSet& set, UnixSeconds now,
                      const SignaturePolicy& policy) {
    const uint32_t lessened = jitterOf(owner, set.type, now, policy.jitterSeconds);
    Rdata rrsig;
    appendU16(rrsig, set.type);
    rrsig += static_cast<char>(key.algorithm());
    rrsig += static_cast<char>(labelsField(owner));
    appendU32(rrsig, set.ttlSeconds);
    appendU32(rrsig, static_cast<uint32_t>(now + policy.validitySeconds - lessened));
    appendU32(rrsig, static_cast<uint32_t>(now - policy.backdateSeconds));
    appendU16(rrsig, key.tag());
    rrsig += lowerCaseName(zone);
    std::string octets = rrsig;
    appendSet(octets, owner, labelsField(owner), set, set.ttlSeconds);
    rrsig += TRY(key.sign(octets));
    return rrsig;
}

bool verifySet(const Rdata& dnskey, const Rdata& rrsig, NameView owner, const RecordSet& set, UnixSeconds now) {
    const auto signature = readSignature(rrsig, now);
    if (!signature || signature->typeCovered != set.type || signature->keyTag != keyTag(dnskey)) return false;
    if (now < signature->inception || now > signature->expiration || signature->labels > owner.labelCount())
        return false;
    if (rrsig.size() < fixedBytes + 1 + signatureBytes) return false;
    std::string octets = rrsig.substr(0, rrsig.size() - signatureBytes);
    appendSet(octets, owner, signature->labels, set, signature->originalTtlSeconds);
    return verify(dnskey, octets, std::string_view(rrsig).substr(rrsig.size() - signatureBytes));
}

}  // namespace swb::dns::sign
