#include "dns/sign/key_ring.h"

#include <algorithm>

#include "base/assert.h"
#include "dns/sign/canonical.h"

namespace swb::dns::sign {
namespace {

constexpr int64_t documentVersion = 1;
constexpr int tagAttemptsMax = 16;  // two keys of a zone have the same tag once in 65,536

std::string sealName(NameView zone, uint16_t tag) {
    return "dnssec/" + Name(NameView(lowerCaseName(zone))).toText() + "/" + std::to_string(tag);
}

bool hasRole(const KeyRing& ring, KeyRole role) {
    return std::any_of(ring.keys.begin(), ring.keys.end(), [&](const RingKey& key) { return key.key->role() == role; });
}

bool hasSuccessor(const KeyRing& ring, KeyRole role) {
    return std::any_of(ring.keys.begin(), ring.keys.end(),
                       [&](const RingKey& key) { return key.isSuccessor && key.key->role() == role; });
}

void promoteSuccessors(KeyRing& ring) {
    std::vector<KeyRole> replaced;
    for (const RingKey& key : ring.keys)
        if (key.isSuccessor) replaced.push_back(key.key->role());
    std::erase_if(ring.keys, [&](const RingKey& key) {
        return !key.isSuccessor && std::find(replaced.begin(), replaced.end(), key.key->role()) != replaced.end();
    });
    for (RingKey& key : ring.keys) key.isSuccessor = false;
}

// Tags tell the keys of a zone apart in signatures, so they must differ.
Result<SharedKey> makeKey(const KeyRing& ring, Algorithm algorithm, KeyRole role) {
    for (int attempt = 0; attempt < tagAttemptsMax; ++attempt) {
        auto made = std::make_shared<SigningKey>(TRY(SigningKey::generate(algorithm, role)));
        const bool isTaken = std::any_of(ring.keys.begin(), ring.keys.end(),
                                         [&](const RingKey& key) { return key.key->tag() == made->tag(); });
        if (!isTaken) return SharedKey(std::move(made));
    }
    return fail(ErrorCode::Bug, "every new DNSSEC key had the tag of a key that exists");
}

std::vector<KeyRole> rolesToMake(const KeyRing& ring, Rolled generate, bool isSplit) {
    switch (generate) {
        case Rolled::nothing:
            return {};
        case Rolled::zsk:
            return {KeyRole::zsk};
        case Rolled::ksk:
            return {KeyRole::ksk};
        case Rolled::csk:
            return {KeyRole::csk};
        case Rolled::every:
            break;
    }
    const bool split = ring.keys.empty() ? isSplit : hasRole(ring, KeyRole::ksk);
    if (split) return {KeyRole::ksk, KeyRole::zsk};
    return {KeyRole::csk};
}

RecordSet keySetRecord(uint16_t number, uint32_t ttlSeconds, std::vector<Rdata> records) {
    std::sort(records.begin(), records.end());
    return {number, ttlSeconds, std::move(records), {}};
}

// CDS and CDNSKEY, or the pair of RFC 8078 §4 that asks for the DS to go away.
void addDelegationSets(KeySet& set, const KeyRing& ring, NameView zone, uint32_t ttlSeconds) {
    std::vector<Rdata> cds;
    std::vector<Rdata> cdnskey;
    if (rowOf(ring.state.stage).delegation == Delegation::removal) {
        cds = {Rdata("\0\0\0\0\0", 5)};
        cdnskey = {Rdata("\0\0\3\0\0", 5)};
    }
    for (const SharedKey& key : delegatedKeys(ring)) {
        cds.push_back(dsOf(zone, key->dnskey(), DigestType::sha256));
        cdnskey.push_back(key->dnskey());
    }
    if (cds.empty()) return;
    set.apexSets.push_back(keySetRecord(type::cds, ttlSeconds, std::move(cds)));
    set.apexSets.push_back(keySetRecord(type::cdnskey, ttlSeconds, std::move(cdnskey)));
}

Result<RingKey> ringKeyFromJson(const Json& value, const std::string& path, NameView zone,
                                const crypto::Sealer& sealer) {
    JsonReader reader(value, path);
    const int64_t number = reader.integer("algorithm");
    const std::string roleText = reader.string("role");
    const int64_t tag = reader.integer("tag");
    RingKey key;
    key.isSuccessor = reader.boolean("successor", false);
    key.madeAt = reader.integer("madeAt");
    const std::string sealed = reader.string("sealed");
    TRY_VOID(reader.finish());
    if (tag < 0 || tag > UINT16_MAX) return fail(ErrorCode::InvalidInput, path + ".tag is not one");
    const Algorithm algorithm = TRY(algorithmFromNumber(number));
    const KeyRole role = TRY(keyRoleFromText(roleText));
    const Secret half = TRY(sealer.unseal(sealed, sealName(zone, static_cast<uint16_t>(tag))));
    key.key = std::make_shared<SigningKey>(TRY(SigningKey::fromStored(algorithm, role, half)));
    if (key.key->tag() != tag) return fail(ErrorCode::StorageFailed, path + " is not the key of the tag it says");
    return key;
}

}  // namespace

Json keyRingToJson(const KeyRing& ring, NameView zone, const crypto::Sealer& sealer) {
    JsonArray keys;
    for (const RingKey& entry : ring.keys) {
        const auto half = entry.key->privateHalf();
        SWB_ASSERT(half.has_value(), "a key in memory has its private half");
        keys.push_back(JsonObject{{"role", nameOf(entry.key->role())},
                                  {"algorithm", static_cast<int>(entry.key->algorithm())},
                                  {"tag", entry.key->tag()},
                                  {"successor", entry.isSuccessor},
                                  {"madeAt", entry.madeAt},
                                  {"sealed", sealer.seal(*half, sealName(zone, entry.key->tag()))}});
    }
    return JsonObject{{"version", documentVersion},
                      {"zone", zone.toText()},
                      {"stage", nameOf(ring.state.stage)},
                      {"enteredAt", ring.state.enteredAt},
                      {"inPlaceAt", ring.state.inPlaceAt},
                      {"zoneTtl", ring.state.zoneTtlSeconds},
                      {"parentTtl", ring.state.parentTtlSeconds},
                      {"keys", std::move(keys)}};
}

Result<KeyRing> keyRingFromJson(const Json& value, NameView zone, const crypto::Sealer& sealer) {
    JsonReader reader(value, "dnssec");
    if (reader.integer("version") != documentVersion) reader.problem("version", "is not one this program knows");
    const Name written = TRY(Name::fromText(reader.string("zone", ".")));
    if (written.view() != zone) reader.problem("zone", "is another one");
    const auto stage = stageFromText(reader.string("stage"));
    if (!stage) reader.problem("stage", "is not a stage");
    KeyRing ring;
    ring.state.enteredAt = reader.integer("enteredAt");
    ring.state.inPlaceAt = reader.integer("inPlaceAt");
    ring.state.zoneTtlSeconds = static_cast<uint32_t>(reader.integer("zoneTtl"));
    ring.state.parentTtlSeconds = static_cast<uint32_t>(reader.integer("parentTtl"));
    const JsonArray* keys = reader.array("keys");
    if (!keys || keys->size() > keysMax) reader.problem("keys", "must be a list of at most 8");
    TRY_VOID(reader.finish());
    ring.state.stage = *stage;
    for (size_t i = 0; i < keys->size(); ++i)
        ring.keys.push_back(TRY(ringKeyFromJson((*keys)[i], "dnssec.keys[" + std::to_string(i) + "]", zone, sealer)));
    const bool isUnsigned = ring.state.stage == Stage::unsignedZone;
    if (isUnsigned != ring.keys.empty())
        return fail(ErrorCode::StorageFailed, "the DNSSEC keys of " + zone.toText() + " do not fit its stage",
                    "restore the data directory from a backup; without its keys a signed zone fails to validate");
    return ring;
}

Result<KeyRing> follow(KeyRing ring, const RollDecision& decision, Algorithm algorithm, bool isSplit, UnixSeconds now) {
    switch (decision.action) {
        case KeyAction::nothing:
            break;
        case KeyAction::promoteSuccessors:
            promoteSuccessors(ring);
            break;
        case KeyAction::dropSuccessors:
            std::erase_if(ring.keys, [](const RingKey& key) { return key.isSuccessor; });
            break;
        case KeyAction::dropAll:
            ring.keys.clear();
            break;
    }
    const bool isFirst = ring.keys.empty();
    for (const KeyRole role : rolesToMake(ring, decision.generate, isSplit)) {
        if (!isFirst && !hasRole(ring, role))
            return fail(ErrorCode::InvalidInput, "the zone has no " + std::string(nameOf(role)) + " to roll",
                        hasRole(ring, KeyRole::csk) ? "its one key is a csk" : "its keys are a ksk and a zsk");
        ring.keys.push_back({TRY(makeKey(ring, algorithm, role)), !isFirst, now});
    }
    ring.state = decision.state;
    return ring;
}

KeySet keySetOf(const KeyRing& ring, NameView zone, uint32_t keysTtlSeconds, const SignaturePolicy& policy) {
    KeySet set;
    set.policy = policy;
    std::vector<Rdata> dnskeys;
    for (const RingKey& entry : ring.keys) {
        const KeyUsage usage = usageOf(ring.state.stage, entry.key->role(), entry.isSuccessor);
        if (usage.isPublished) dnskeys.push_back(entry.key->dnskey());
        if (usage.signsKeys) set.keySigners.push_back(entry.key);
        if (usage.signsZone) set.zoneSigners.push_back(entry.key);
    }
    if (!dnskeys.empty()) set.apexSets.push_back(keySetRecord(type::dnskey, keysTtlSeconds, std::move(dnskeys)));
    addDelegationSets(set, ring, zone, keysTtlSeconds);
    const bool isComing = ring.state.stage == Stage::firstSignatures && ring.state.inPlaceAt == 0;
    set.isChainComplete = set.isSigned() && !isComing;
    return set;
}

std::vector<SharedKey> delegatedKeys(const KeyRing& ring) {
    const Delegation wanted = rowOf(ring.state.stage).delegation;
    std::vector<SharedKey> keys;
    if (wanted != Delegation::toCurrent && wanted != Delegation::toSuccessor) return keys;
    for (const RingKey& entry : ring.keys) {
        if (!signsKeys(entry.key->role())) continue;
        const bool isWanted = wanted == Delegation::toSuccessor && hasSuccessor(ring, entry.key->role())
                                  ? entry.isSuccessor
                                  : !entry.isSuccessor;
        if (isWanted) keys.push_back(entry.key);
    }
    return keys;
}

bool parentAgrees(const KeyRing& ring, NameView zone, const std::vector<Rdata>& seen) {
    const std::vector<SharedKey> wanted = delegatedKeys(ring);
    if (wanted.empty()) return seen.empty();
    const auto names = [&](const Rdata& ds, const SharedKey& key) {
        return ds == dsOf(zone, key->dnskey(), DigestType::sha256) ||
               ds == dsOf(zone, key->dnskey(), DigestType::sha384);
    };
    const bool onlyWanted = std::all_of(seen.begin(), seen.end(), [&](const Rdata& ds) {
        return std::any_of(wanted.begin(), wanted.end(), [&](const SharedKey& key) { return names(ds, key); });
    });
    return onlyWanted && std::all_of(wanted.begin(), wanted.end(), [&](const SharedKey& key) {
               return std::any_of(seen.begin(), seen.end(), [&](const Rdata& ds) { return names(ds, key); });
           });
}

}  // namespace swb::dns::sign
