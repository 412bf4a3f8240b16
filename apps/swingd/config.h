// swingd.yaml: what the controller needs to know before it has a store.
#pragma once

#include <string>
#include <vector>

#include "dispatch/publisher.h"
#include "dispatch/zone_signers.h"
#include "model/address.h"
#include "name_server_config.h"
#include "peers_config.h"

namespace swb {

struct DaemonConfig {
    std::vector<HostPort> listen;    // API and agents
    std::string publicUrl;           // what agents and people are told: https://HOST:PORT
    std::vector<std::string> names;  // names and addresses in the controller's certificate
    std::vector<HostPort> dnsListen;
    dispatch::ZoneSettings zone;
    NameServerConfig nameServer;
    PeersConfig secondaries;
    std::optional<dns::sign::Algorithm> dnssecAlgorithm;  // zones that were never signed are signed from the start
    dns::sign::KeyLayout dnssecKeys = dns::sign::KeyLayout::split;
    std::vector<std::string> furtherZones;  // on the same name servers
    std::vector<HostPort> resolvers;        // empty: those of /etc/resolv.conf
    std::string providerAuthority;          // file; empty: the authorities of the system
};

// Files of a data directory.
struct DataPaths {
    explicit DataPaths(const std::string& directory);
    std::string config, authority, authorityKey, certificate, certificateKey, store, sealKey, zones, dnssec, adminToken;
};

// Those of the settings, or the system's.
Result<std::vector<dns::Endpoint>> resolversOf(const DaemonConfig& config);
Result<DaemonConfig> readConfig(const std::string& path);
std::string configText(const DaemonConfig& config);

}  // namespace swb
