#include "dns_node.h"

#include <poll.h>

#include "base/file.h"
#include "base/log.h"
#include "dns/transfer/follower.h"
#include "dns/transfer/peer_desk.h"
#include "model/yaml.h"
#include "name_server_config.h"
#include "peers_config.h"
#include "signals.h"

namespace swb {
namespace {

using dns::transfer::FollowedZone;

struct NodeConfig {
    struct Zone {
        FollowedZone zone;
        std::optional<dns::Name> key;
    };
    dns::ServerOptions server;
    NameServerConfig nameServer;
    std::string directory;
    std::vector<Zone> zones;
    PeersConfig peers;
    std::optional<dns::IpAddress> from;
    int64_t pollSeconds = 10;
};

std::vector<dns::Endpoint> readEndpoints(JsonReader& reader, std::string_view key) {
    std::vector<dns::Endpoint> endpoints;
    for (const std::string& text : reader.strings(key)) {
        const auto endpoint = dns::Endpoint::fromText(text);
        if (endpoint)
            endpoints.push_back(*endpoint);
        else
            reader.problem(key, "must be a list of ADDRESS:PORT");
    }
    if (endpoints.empty()) reader.problem(key, "needs at least one ADDRESS:PORT");
    return endpoints;
}

Result<NodeConfig::Zone> readZone(const Json& value) {
    JsonReader reader(value, "zones");
    NodeConfig::Zone zone;
    const auto name = dns::Name::fromText(reader.string("zone"));
    if (name)
        zone.zone.origin = *name;
    else
        reader.problem("zone", "must be a domain name");
    zone.zone.primaries = readEndpoints(reader, "primaries");
    zone.zone.expires = reader.boolean("expires", false);
    if (const std::string key = reader.string("key", ""); !key.empty()) zone.key = TRY(dns::Name::fromText(key));
    TRY_VOID(reader.finish());
    return zone;
}

Result<NodeConfig> readNode(const Json& value) {
    JsonReader reader(value);
    NodeConfig config;
    config.server.endpoints = readEndpoints(reader, "listen");
    config.directory = reader.string("data");
    config.nameServer = readNameServer(reader);
    config.pollSeconds = reader.integer("poll_seconds", config.pollSeconds);
    if (config.pollSeconds < 1 || config.pollSeconds > 86'400) reader.problem("poll_seconds", "must be 1 to 86400");
    const std::string from = reader.string("transfer_from", "");
    if (!from.empty()) config.from = TRY(dns::IpAddress::fromText(from));
    const JsonArray* zones = reader.array("zones");
    if (!zones || zones->empty()) reader.problem("zones", "needs at least one zone");
    for (size_t i = 0; zones && i < zones->size(); ++i) config.zones.push_back(TRY(readZone((*zones)[i])));
    config.peers = TRY(readPeers(reader));
    TRY_VOID(reader.finish());
    return config;
}

Result<NodeConfig> readNodeFile(const std::string& path) {
    const YamlDocument document = TRY(parseYaml(TRY(readFile(path, 1 << 20))));
    auto config = readNode(document.value);
    if (!config) return fail(document.placed(config.error()).within(path));
    return config;
}

// A primary may notify about its zone from its address with the zone's key (or, without one, from its address alone).
void allowPrimaries(const NodeConfig& config, dns::transfer::PeerSettings& settings) {
    for (const NodeConfig::Zone& zone : config.zones) {
        dns::transfer::AccessRule rule;
        rule.key = zone.key;
        for (const dns::Endpoint& primary : zone.zone.primaries) {
            const uint8_t bits = primary.address.family == dns::AddressFamily::ipv4 ? 32 : 128;
            rule.from.push_back({primary.address, bits});
        }
        settings.allowNotify.push_back(std::move(rule));
        settings.followed.push_back(zone.zone.origin);
    }
}

Result<void> writeReady(const std::string& path, const dns::Server& server) {
    if (path.empty()) return {};
    JsonArray dns;
    for (const dns::Endpoint& endpoint : server.endpoints()) dns.emplace_back(endpoint.toText());
    return writeFileAtomically(path, toText(JsonObject{{"pid", ::getpid()}, {"dns", dns}}), 0644);
}

// Ends it before the server it publishes to goes.
struct Following {
    dns::transfer::Follower& follower;
    ~Following() { follower.stop(); }
};

Result<std::unique_ptr<dns::transfer::Follower>> openFollower(NodeConfig& config, const dns::TsigKeyring& keys,
                                                              const Clock& clock) {
    dns::transfer::FollowerSettings settings;
    settings.directory = config.directory;
    settings.pollMs = config.pollSeconds * 1000;
    settings.from = config.from;
    for (NodeConfig::Zone& zone : config.zones) {
        zone.zone.key = TRY(keyNamed(keys, zone.key));
        settings.zones.push_back(zone.zone);
    }
    return dns::transfer::Follower::open(std::move(settings), clock);
}

}  // namespace

Result<void> runDnsNode(const DnsNodeRequest& request) {
    const Fd signals = TRY(blockSignals());
    const SystemClock clock;
    NodeConfig config = TRY(readNodeFile(request.configFile));
    const dns::TsigKeyring keys = TRY(loadKeys(config.peers.keyFiles));
    const auto follower = TRY(openFollower(config, keys, clock));
    dns::transfer::PeerSettings peers;
    peers.keys = keys;
    peers.allowTransfer = config.peers.allowTransfer;
    peers.transfersMax = static_cast<size_t>(config.peers.transfersMax);
    allowPrimaries(config, peers);
    peers.history = [&](const dns::Name& origin, uint32_t serial) {
        const dns::ZoneJournal* journal = follower->journal(origin);
        auto changes = journal ? journal->changesSince(serial) : std::nullopt;
        return changes ? *std::move(changes) : dns::transfer::ChangePointers();
    };
    peers.notified = [&](const dns::Name& origin, const dns::Endpoint&) { follower->notified(origin); };
    dns::transfer::PeerDesk desk(std::move(peers), clock);
    apply(config.nameServer, config.directory, config.server);
    config.server.peers = &desk;
    // What is on disk is answered before anybody is asked for news (I11).
    const auto server = TRY(dns::Server::start(config.server, follower->zones()));
    follower->start(*server);
    const Following following{*follower};
    TRY_VOID(writeReady(request.readyFile, *server));
    logInfo("swingd", "name server {} follows {} zones", SWB_VERSION, config.zones.size());
    pollfd wait{signals.get(), POLLIN, 0};
    while (::poll(&wait, 1, -1) < 0) continue;
    logInfo("swingd", "stopping");
    return {};
}

}  // namespace swb
