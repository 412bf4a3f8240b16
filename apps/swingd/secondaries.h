// The controller's side of its secondaries: hands the zones out, tells about changes, keeps the catalog.
//
//     made before the name server (it answers transfers from the first moment) ─▶ attach(publisher) ─▶ NOTIFY
#pragma once

#include <atomic>

#include "dispatch/publisher.h"
#include "dns/transfer/peer_desk.h"
#include "peers_config.h"

namespace swb {

class Secondaries {
  public:
    // A key file that cannot be read is logged and done without: the zone goes on being answered (I11).
    static std::unique_ptr<Secondaries> make(const PeersConfig& config, const Clock& clock);

    dns::PeerHandler& desk() { return *desk_; }
    // After the publisher has started and before its first publication. The publisher's name server must have stopped
    // before this object goes. What fails is logged: secondaries then come by themselves.
    void attach(dispatch::Publisher& publisher, const std::string& directory);
    // What each secondary has, for readiness and the API.
    std::vector<dns::transfer::SecondaryState> states() const;
    void stop();

  private:
    Secondaries(PeersConfig config, dns::TsigKeyring keys, const Clock& clock)
        : config_(std::move(config)), keys_(std::move(keys)), clock_(clock) {}
    Result<void> startNotifier(const dispatch::Publisher& publisher);
    Result<void> publishCatalog(dispatch::Publisher& publisher, const std::string& directory);
    dns::transfer::ChangePointers history(const dns::Name& origin, uint32_t serial) const;

    const PeersConfig config_;
    const dns::TsigKeyring keys_;
    const Clock& clock_;
    std::unique_ptr<dns::transfer::PeerDesk> desk_;
    std::unique_ptr<dns::transfer::Notifier> notifier_;
    std::unique_ptr<dns::ZoneJournal> catalog_;
    std::atomic<const dispatch::Publisher*> publisher_{nullptr};
};

}  // namespace swb
