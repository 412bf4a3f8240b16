// The controller's side of its secondaries: hands the zones out, tells about changes, keeps the catalog.
//
//     made before the name server (it answers transfers from the first moment) ─▶ attach(publisher) ─▶ NOTIFY
//     tick() ─▶ what could not be done before is tried again: key files, the notifier, the catalog
#pragma once

#include <atomic>

#include "dispatch/catalog.h"
#include "dns/transfer/key_files.h"
#include "dns/transfer/notifier.h"
#include "dns/transfer/peer_desk.h"
#include "peers_config.h"

namespace swb {

class Secondaries {
  public:
    // A key file that cannot be read is logged and done without until it can: the zone goes on being answered (I11).
    // lookUp: of name servers in others' zones.
    static std::unique_ptr<Secondaries> make(const PeersConfig& config, const Clock& clock,
                                             dns::transfer::LookUp lookUp);

    dns::PeerHandler& desk() { return *desk_; }
    // After the publisher has started and before its first publication. The publisher's name server must have stopped
    // before this object goes. What fails is logged: secondaries then come by themselves.
    void attach(dispatch::Publisher& publisher, const std::string& directory);
    // Now and then, by the thread that attached.
    void tick();
    // What each secondary has, for readiness and the API. Any thread.
    std::vector<dns::transfer::SecondaryState> states() const;
    void stop();

  private:
    Secondaries(const PeersConfig& config, const Clock& clock, dns::transfer::LookUp lookUp)
        : config_(config), clock_(clock), lookUp_(std::move(lookUp)), keys_(config.keyFiles, config.neededKeys()) {}
    void startNotifier();
    void openCatalog();
    // Because this zone is answered; null: in any case.
    void refreshCatalog(const dns::Name* zone);
    void zoneChanged(const dns::ZonePointer& zone);
    std::shared_ptr<dns::transfer::Notifier> notifier() const;
    dns::transfer::ChangePointers history(const dns::Name& origin, uint32_t serial) const;

    const PeersConfig config_;
    const Clock& clock_;
    const dns::transfer::LookUp lookUp_;
    dns::transfer::KeyFiles keys_;
    std::unique_ptr<dns::transfer::PeerDesk> desk_;
    std::atomic<dispatch::Publisher*> publisher_{nullptr};
    std::string directory_;
    mutable std::mutex mutex_;  // of the notifier's place; another one comes with new keys
    std::shared_ptr<dns::transfer::Notifier> notifier_;
    std::mutex catalogMutex_;
    std::unique_ptr<dispatch::Catalog> catalog_;
    bool catalogFailed_ = false;
    std::string notifierProblem_;  // said once, not every time
    MonotonicMs tryAt_ = 0;
};

}  // namespace swb
