// The keeper of one zone's keys: signs each change before it is published, keeps signatures fresh, and leads the keys
// through their life.
//
//     publisher ──sign(before, change)──▶ signed change          each switch, on the publisher's thread
//     timer ─────maintain(zone)─────────▶ next change or nothing  first signing, refreshing, roll-overs, unsigning
//     operator ──enable, disable, roll──▶ stage (roll_table.h)
//     resolver ──parentShows(DS set)────▶ the next stage
//
// The keys and their stage are one file in the data directory, private halves sealed. It is on disk before the zone
// follows it, and the stage's clock starts only when the zone has followed: a crash at any point is taken up by the
// next maintain(). All functions may be called from any thread.
//
// What it must never do: let a key leave memory unsealed, or sign with a key whose file is not on disk.
#pragma once

#include <mutex>

#include "base/clock.h"
#include "dns/sign/change_signing.h"
#include "dns/sign/key_ring.h"

namespace swb::dns::sign {

struct SignerPolicy {
    SignaturePolicy signatures;
    RollTiming timing;
    int64_t zskLifetimeSeconds = 90 * 86400;  // then the ZSK is rolled without being asked; 0: never
    UpkeepLimits limits;
};

enum class KeyLayout : uint8_t { split, combined };  // KSK and ZSK, or one CSK

struct SignerStatus {
    struct Key {
        KeyRole role = KeyRole::zsk;
        Algorithm algorithm = Algorithm::ecdsaP256Sha256;
        uint16_t tag = 0;
        bool isSuccessor = false;
        UnixSeconds madeAt = 0;
        KeyUsage usage;
    };
    Stage stage = Stage::unsignedZone;
    bool isInPlace = false;
    size_t setsLeft = 0;  // to be changed until it is
    std::vector<Key> keys;
    std::vector<Rdata> ds;  // what the parent is to publish, with SHA-256 and with SHA-384
    std::optional<UnixSeconds> deadline;
    std::optional<UnixSeconds> refreshAt;
};

class Signer {
  public:
    // Reads the file of the zone in the directory; without one the zone is not signed.
    static Result<std::unique_ptr<Signer>> open(std::string directory, Name zone, const crypto::Sealer& sealer,
                                                const Clock& clock, SignerPolicy policy = {});

    // The publisher's hook. Of a zone that is not signed the change comes back as it is.
    Result<ZoneChange> sign(const ZoneSnapshot& before, ZoneChange change) const;
    // What is to be published next, already signed; empty when there is nothing to do now. Call again until it is,
    // each time with the zone as published, and then every minute.
    Result<ZoneChange> maintain(const ZoneSnapshot& zone);
    // The DS set that every name server of the parent shows, empty if none, with its TTL.
    Result<void> parentShows(const std::vector<Rdata>& ds, uint32_t ttlSeconds);

    Result<void> enable(Algorithm algorithm, KeyLayout layout);
    // algorithm: of the new key. rollAlgorithm needs another one than now, the others take the present one.
    Result<void> roll(Command command, std::optional<Algorithm> algorithm = {});
    // disable, disableNow, cancel, parentDone.
    Result<void> command(Command command);

    SignerStatus status() const;
    // DNSSEC of the zone was never enabled.
    bool isNew() const;
    const Name& zone() const { return zone_; }

  private:
    Signer(std::string path, Name zone, const crypto::Sealer& sealer, const Clock& clock, SignerPolicy policy)
        : path_(std::move(path)), zone_(std::move(zone)), sealer_(sealer), clock_(clock), policy_(policy) {}

    UnixSeconds now() const { return clock_.now() / 1000; }
    Result<void> load();
    Result<void> obey(Command command, Algorithm algorithm, KeyLayout layout);
    Result<bool> happen(const RollEvent& event);
    Result<void> take(const RollDecision& decision, Algorithm algorithm, KeyLayout layout);
    Result<bool> passTime();
    void derive();

    const std::string path_;
    const Name zone_;
    const crypto::Sealer& sealer_;
    const Clock& clock_;
    const SignerPolicy policy_;

    mutable std::mutex mutex_;
    KeyRing ring_;
    std::shared_ptr<const KeySet> keySet_;  // follows from ring_
    UnixSeconds lookAt_ = 0;                // when the zone must be looked at as a whole; 0: at once
    size_t setsLeft_ = 0;
};

Json statusToJson(const SignerStatus& status, const Name& zone);

}  // namespace swb::dns::sign
