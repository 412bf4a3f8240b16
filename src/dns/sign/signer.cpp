#include "dns/sign/signer.h"

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "dns/sign/canonical.h"

namespace swb::dns::sign {
namespace {

constexpr size_t fileBytesMax = 64 << 10;   // eight keys take 4 KiB
constexpr UnixSeconds lookSeconds = 86400;  // the zone is looked at as a whole at least so often

// Names of hosts as they are; anything else in a zone's name is written as %XX.
std::string fileNameOf(NameView zone) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char character : Name(NameView(lowerCaseName(zone))).toText()) {
        const bool isPlain = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
                             character == '-' || character == '.' || character == '_';
        if (isPlain) {
            text += character;
            continue;
        }
        const auto octet = static_cast<uint8_t>(character);
        text += {'%', digits[octet >> 4], digits[octet & 15]};
    }
    return text + "json";  // the name ends in a dot
}

Algorithm algorithmOf(const KeyRing& ring) {
    return ring.keys.empty() ? Algorithm::ecdsaP256Sha256 : ring.keys.front().key->algorithm();
}

}  // namespace

Result<std::unique_ptr<Signer>> Signer::open(std::string directory, Name zone, const crypto::Sealer& sealer,
                                             const Clock& clock, SignerPolicy policy) {
    TRY_VOID(makeDirectories(directory));
    std::string path = directory + "/" + fileNameOf(zone);
    std::unique_ptr<Signer> signer(new Signer(std::move(path), std::move(zone), sealer, clock, policy));
    TRY_VOID(signer->load());
    return signer;
}

Result<void> Signer::load() {
    if (fileExists(path_)) {
        const std::string text = TRY(readFile(path_, fileBytesMax));
        ring_ = TRY(keyRingFromJson(TRY(parseJson(text, fileBytesMax)), zone_, sealer_));
    }
    derive();
    return {};
}

void Signer::derive() {
    keySet_ = std::make_shared<const KeySet>(keySetOf(ring_, zone_, policy_.timing.keysTtlSeconds, policy_.signatures));
    lookAt_ = 0;
}

Result<ZoneChange> Signer::sign(const ZoneSnapshot& before, ZoneChange change) const {
    std::shared_ptr<const KeySet> keys;
    {
        const std::lock_guard lock(mutex_);
        keys = keySet_;
    }
    if (!keys->isSigned() && !before.isSigned()) return change;
    return signChange(before, std::move(change), *keys, now());
}

Result<ZoneChange> Signer::maintain(const ZoneSnapshot& zone) {
    const std::lock_guard lock(mutex_);
    ZoneChange nothing{zone_, zone.serial(), zone.serial(), {}};
    // Each turn but the last enters another stage or finds the present one in place.
    for (size_t turn = 0; turn < 2 * stageTable().size(); ++turn) {
        if (TRY(passTime())) continue;
        // Not so when the zone was made anew behind our back.
        const bool isAsLeft = zone.isSigned() == keySet_->isSigned();
        if (isAsLeft && now() < lookAt_) return nothing;
        Upkeep found = TRY(upkeep(zone, *keySet_, now(), policy_.limits));
        setsLeft_ = found.setsLeft + found.change.sets.size();
        lookAt_ = 0;
        if (!found.change.isEmpty()) return std::move(found.change);
        lookAt_ = now() + lookSeconds;
        if (found.nextDue != 0) lookAt_ = std::min(lookAt_, std::max(found.nextDue, now() + 1));
        RollEvent inPlace{RollEvent::Kind::inPlace, Command::cancel, found.longestTtlSeconds};
        if (ring_.state.inPlaceAt != 0 || !TRY(happen(inPlace))) return nothing;
    }
    return nothing;
}

// Whether a stage came to its end.
Result<bool> Signer::passTime() {
    if (TRY(happen({RollEvent::Kind::time, Command::cancel, 0}))) return true;
    const RollState& state = ring_.state;
    if (policy_.zskLifetimeSeconds == 0 || state.stage != Stage::steady || state.inPlaceAt == 0) return false;
    const auto isOld = [&](const RingKey& key) {
        return key.key->role() == KeyRole::zsk && key.madeAt + policy_.zskLifetimeSeconds <= now();
    };
    if (std::none_of(ring_.keys.begin(), ring_.keys.end(), isOld)) return false;
    TRY_VOID(obey(Command::rollZsk, algorithmOf(ring_), KeyLayout::split));
    return true;
}

Result<bool> Signer::happen(const RollEvent& event) {
    const RollDecision decision = TRY(advance(ring_.state, event, now(), policy_.timing));
    if (decision.state == ring_.state && !decision.isNewStage) return false;
    TRY_VOID(take(decision, algorithmOf(ring_), KeyLayout::split));
    return true;
}

Result<void> Signer::take(const RollDecision& decision, Algorithm algorithm, KeyLayout layout) {
    KeyRing next = TRY(follow(ring_, decision, algorithm, layout == KeyLayout::split, now()));
    const bool isNeverSigned = next.state.stage == Stage::unsignedZone && !fileExists(path_);
    if (!isNeverSigned)
        TRY_VOID(writeFileAtomically(path_, toPrettyText(keyRingToJson(next, zone_, sealer_)) + "\n", 0600));
    ring_ = std::move(next);
    const UnixSeconds lookAt = lookAt_;
    derive();
    if (!decision.isNewStage) lookAt_ = lookAt;
    if (decision.isNewStage)
        logInfo("dns", "DNSSEC of {}: {}: {}", zone_.toText(), nameOf(ring_.state.stage),
                rowOf(ring_.state.stage).sentence);
    return {};
}

Result<void> Signer::obey(Command command, Algorithm algorithm, KeyLayout layout) {
    const RollEvent event{RollEvent::Kind::command, command, 0};
    return take(TRY(advance(ring_.state, event, now(), policy_.timing)), algorithm, layout);
}

Result<void> Signer::parentShows(const std::vector<Rdata>& ds, uint32_t ttlSeconds) {
    const std::lock_guard lock(mutex_);
    if (!parentAgrees(ring_, zone_, ds)) return {};
    TRY(happen({RollEvent::Kind::parentAgrees, Command::cancel, ttlSeconds}));
    return {};
}

Result<void> Signer::enable(Algorithm algorithm, KeyLayout layout) {
    const std::lock_guard lock(mutex_);
    return obey(Command::enable, algorithm, layout);
}

Result<void> Signer::roll(Command command, std::optional<Algorithm> algorithm) {
    const std::lock_guard lock(mutex_);
    const Algorithm present = algorithmOf(ring_);
    if (command == Command::rollAlgorithm && algorithm.value_or(present) == present)
        return fail(ErrorCode::InvalidInput, "the zone's algorithm is " + std::string(nameOf(present)) + " already",
                    "name the other one: 13 or 15");
    if (command != Command::rollAlgorithm && algorithm.value_or(present) != present)
        return fail(ErrorCode::InvalidInput, "a key of another algorithm needs a roll-over of the algorithm");
    return obey(command, algorithm.value_or(present), KeyLayout::split);
}

Result<void> Signer::command(Command command) {
    const std::lock_guard lock(mutex_);
    return obey(command, algorithmOf(ring_), KeyLayout::split);
}

bool Signer::isNew() const {
    return !fileExists(path_);
}

SignerStatus Signer::status() const {
    const std::lock_guard lock(mutex_);
    SignerStatus status;
    status.stage = ring_.state.stage;
    status.isInPlace = ring_.state.inPlaceAt != 0;
    status.setsLeft = setsLeft_;
    for (const RingKey& entry : ring_.keys) {
        const KeyRole role = entry.key->role();
        status.keys.push_back({role, entry.key->algorithm(), entry.key->tag(), entry.isSuccessor, entry.madeAt,
                               usageOf(ring_.state.stage, role, entry.isSuccessor)});
    }
    for (const SharedKey& key : delegatedKeys(ring_))
        for (const DigestType digest : {DigestType::sha256, DigestType::sha384})
            status.ds.push_back(dsOf(zone_, key->dnskey(), digest));
    status.deadline = deadlineOf(ring_.state, policy_.timing);
    if (keySet_->isSigned() && lookAt_ != 0) status.refreshAt = lookAt_;
    return status;
}

Json statusToJson(const SignerStatus& status, const Name& zone) {
    const StageRow& row = rowOf(status.stage);
    JsonArray keys;
    for (const SignerStatus::Key& key : status.keys)
        keys.push_back(JsonObject{{"role", nameOf(key.role)},
                                  {"algorithm", static_cast<int>(key.algorithm)},
                                  {"tag", key.tag},
                                  {"new", key.isSuccessor},
                                  {"madeAt", isoTime(key.madeAt * 1000)},
                                  {"published", key.usage.isPublished},
                                  {"signsKeys", key.usage.signsKeys},
                                  {"signsZone", key.usage.signsZone}});
    JsonArray ds;
    for (const Rdata& data : status.ds) ds.push_back(boost::json::string(dsToText(data)));
    return JsonObject{{"zone", zone.toText()},
                      {"stage", row.name},
                      {"meaning", row.sentence},
                      {"inPlace", status.isInPlace},
                      {"setsLeft", status.setsLeft},
                      {"waitsFor", status.isInPlace ? nameOf(row.wait) : std::string_view("the zone being signed")},
                      {"until", status.deadline ? isoTime(*status.deadline * 1000) : ""},
                      {"nextRefresh", status.refreshAt ? isoTime(*status.refreshAt * 1000) : ""},
                      {"keys", std::move(keys)},
                      {"ds", std::move(ds)}};
}

}  // namespace swb::dns::sign
