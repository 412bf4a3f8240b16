#include "dns_node.h"

#include <poll.h>

#include "base/file.h"
#include "base/log.h"
#include "dns/transfer/key_files.h"
#include "dns/transfer/peer_desk.h"
#include "node_config.h"
#include "node_state.h"
#include "signals.h"

namespace swb {
namespace {

using dns::transfer::FollowedZone;
using dns::transfer::Follower;
using dns::transfer::KeyFiles;

constexpr int tickMs = 500;
constexpr int64_t readKeysEveryMs = 3'000;

// A primary may notify about its zone from its address with the zone's key (or, without one, from its address alone).
void allowPrimaries(const NodeConfig& config, dns::transfer::PeerSettings& settings) {
    for (const FollowedZone& zone : config.zones) {
        dns::transfer::AccessRule rule;
        rule.key = zone.key;
        for (const dns::Endpoint& primary : zone.primaries) {
            const uint8_t bits = primary.address.family == dns::AddressFamily::ipv4 ? 32 : 128;
            rule.from.push_back({primary.address, bits});
        }
        settings.allowNotify.push_back(std::move(rule));
        settings.followed.push_back(zone.origin);
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
    Follower& follower;
    ~Following() { follower.stop(); }
};

Result<std::unique_ptr<Follower>> openFollower(const NodeConfig& config, const KeyFiles& keys, const Clock& clock) {
    dns::transfer::FollowerSettings settings;
    settings.directory = config.directory;
    settings.pollMs = config.pollSeconds * 1000;
    settings.from = config.from;
    settings.findKey = [&keys](const dns::Name& name) { return keys.find(name); };
    settings.zones = config.zones;
    // A zone does not become young by a restart.
    if (const auto before = readNodeState(config.directory))
        for (FollowedZone& zone : settings.zones)
            for (const dns::transfer::FollowedState& known : before->zones)
                if (known.origin == zone.origin) zone.confirmedAt = known.lastContactAt;
    return Follower::open(std::move(settings), clock);
}

dns::transfer::PeerSettings peerSettings(const NodeConfig& config, const KeyFiles& keys, Follower& follower) {
    dns::transfer::PeerSettings peers;
    peers.keys = *keys.keys();
    peers.allowTransfer = config.peers.allowTransfer;
    peers.transfersMax = static_cast<size_t>(config.peers.transfersMax);
    peers.freshness = &follower.freshness();
    allowPrimaries(config, peers);
    peers.history = [&follower](const dns::Name& origin, uint32_t serial) {
        const dns::ZoneJournal* journal = follower.journal(origin);
        auto changes = journal ? journal->changesSince(serial) : std::nullopt;
        return changes ? *std::move(changes) : dns::transfer::ChangePointers();
    };
    peers.notified = [&follower](const dns::Name& origin, const dns::Endpoint&) { follower.notified(origin); };
    return peers;
}

// Until a signal comes.
void attend(const Fd& signals, const Clock& clock, const NodeConfig& config, KeyFiles& keys,
            dns::transfer::PeerDesk& desk, Follower& follower) {
    StateFile state(config.directory, clock);
    MonotonicMs readKeysAt = clock.monotonic() + readKeysEveryMs;
    pollfd wait{signals.get(), POLLIN, 0};
    state.update(follower.states());
    while (::poll(&wait, 1, tickMs) <= 0) {
        state.update(follower.states());
        if (clock.monotonic() < readKeysAt) continue;
        readKeysAt = clock.monotonic() + readKeysEveryMs;
        if (!keys.read()) continue;
        desk.setKeys(keys.keys());
        follower.retryAll();
    }
    // What the next start reads.
    state.update(follower.states());
}

}  // namespace

Result<void> runDnsNode(const DnsNodeRequest& request) {
    const Fd signals = TRY(blockSignals());
    const SystemClock clock;
    const NodeConfig config = TRY(readNodeConfig(request.configFile));
    // Without its keys the node answers what it has, and follows once they are there.
    KeyFiles keys(config.peers.keyFiles, config.neededKeys());
    keys.read();
    const auto follower = TRY(openFollower(config, keys, clock));
    dns::transfer::PeerDesk desk(peerSettings(config, keys, *follower), clock);
    dns::ServerOptions options;
    options.endpoints = config.listen;
    apply(config.nameServer, config.directory, options);
    options.peers = &desk;
    options.freshness = &follower->freshness();
    // What is on disk is answered before anybody is asked for news (I11).
    const auto server = TRY(dns::Server::start(options, follower->zones()));
    follower->start(*server);
    const Following following{*follower};
    TRY_VOID(writeReady(request.readyFile, *server));
    logInfo("swingd", "name server {} follows {} zones", SWB_VERSION, config.zones.size());
    attend(signals, clock, config, keys, desk, *follower);
    logInfo("swingd", "stopping");
    return {};
}

}  // namespace swb
