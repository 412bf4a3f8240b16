// From groups to the zone: composes it from the store, writes the zone file, publishes to the name server, in this
// order.
//
//     group documents ──compose──► ZoneDefinition ──build──► SnapshotFile.save ──► Server.publish ──► every answer
//
// When the store cannot be read the last good zone goes on being answered (I11).
#pragma once

#include <mutex>

#include "dns/server.h"
#include "dns/snapshot_file.h"
#include "model/group.h"
#include "store/store.h"

namespace swb::dispatch {

struct ZoneSettings {
    std::string zone;     // "failover.example"
    std::string mailbox;  // empty: hostmaster.<zone>
    struct NameServer {
        std::string name;                    // full, or a label under the zone
        std::vector<std::string> addresses;  // required when it is inside the zone
    };
    std::vector<NameServer> nameServers;
};

class Publisher {
  public:
    // Starts the name server with the zone file's last zone, or an empty zone when there is none.
    static Result<std::unique_ptr<Publisher>> start(const ZoneSettings& settings, const std::string& zoneFile,
                                                    const dns::ServerOptions& options);

    // Publishes what the store says now; nothing when nothing changed. Answers the zone's serial.
    Result<uint32_t> publish(const store::Store& store);
    // Asks every own name server: does it answer these addresses for this name?
    Result<void> verify(const std::string& name, const std::vector<std::string>& addresses) const;
    const dns::Server& server() const { return *server_; }
    dns::ZonePointer zone() const { return server_->zone(); }
    void stop() { server_->stop(); }

  private:
    Publisher() = default;
    Result<dns::ZoneDefinition> compose(const store::Store& store) const;
    static Result<dns::ZoneDefinition> emptyZone(const ZoneSettings& settings);

    dns::ZoneDefinition empty_;
    std::unique_ptr<dns::SnapshotFile> file_;
    std::unique_ptr<dns::Server> server_;
    std::mutex mutex_;
};

}  // namespace swb::dispatch
