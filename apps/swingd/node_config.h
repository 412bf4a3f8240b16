// The configuration file of `swingd dns` (docs/dns.md).
#pragma once

#include <string>
#include <vector>

#include "dns/transfer/follower.h"
#include "name_server_config.h"
#include "peers_config.h"

namespace swb {

struct NodeConfig {
    std::vector<dns::Endpoint> listen;
    NameServerConfig nameServer;
    std::string directory;
    std::vector<dns::transfer::FollowedZone> zones;
    PeersConfig peers;
    std::optional<dns::IpAddress> from;
    int64_t pollSeconds = 10;

    // Of zones and peers.
    std::vector<dns::Name> neededKeys() const;
};

Result<NodeConfig> readNodeConfig(const std::string& path);

}  // namespace swb
