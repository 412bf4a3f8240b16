#include "driver/redis/peers.h"

#include <algorithm>

#include "driver/redis/credentials.h"
#include "model/group.h"

namespace swb::driver::redis {

namespace {

constexpr const char* peersRecord = "peers";

Result<void> write(const Instance& instance, const std::vector<KnownPeer>& peers) {
    JsonObject record;
    for (const auto& peer : peers)
        record[peer.application] = JsonObject{
            {"slot", peer.slot}, {"verifier", peer.verifier}, {"host", peer.address.host}, {"port", peer.address.port}};
    return instance.writeRecord(peersRecord, record);
}

}  // namespace

std::vector<KnownPeer> knownPeers(const Instance& instance) {
    std::vector<KnownPeer> peers;
    const Json record = instance.record(peersRecord);
    if (!record.is_object()) return peers;
    for (const auto& member : record.as_object())
        peers.push_back({std::string(member.key()),
                         textAt(member.value(), "slot"),
                         textAt(member.value(), "verifier"),
                         {textAt(member.value(), "host"), static_cast<uint16_t>(integerAt(member.value(), "port"))}});
    return peers;
}

Result<std::vector<KnownPeer>> rememberPeer(const Instance& instance, const Peer& peer) {
    auto peers = knownPeers(instance);
    KnownPeer wanted{peer.application, Link::slotFor(peer.application), peer.verifier, {peer.host, peer.port}};
    const auto former = std::find_if(peers.begin(), peers.end(),
                                     [&](const auto& known) { return known.application == peer.application; });
    if (former != peers.end()) {
        if (wanted.verifier.empty()) wanted.verifier = former->verifier;
        peers.erase(former);
    }
    if (wanted.verifier.empty())
        return fail(ErrorCode::InvalidInput, "the replication user of " + peer.application + " has no verifier",
                    "It comes with that side's certificate requests (database.certificate-request).");
    peers.push_back(std::move(wanted));
    TRY_VOID(write(instance, peers));
    return peers;
}

Result<std::vector<KnownPeer>> forgetPeers(const Instance& instance, const std::vector<std::string>& slots) {
    auto peers = knownPeers(instance);
    std::erase_if(peers,
                  [&](const auto& peer) { return std::find(slots.begin(), slots.end(), peer.slot) != slots.end(); });
    TRY_VOID(write(instance, peers));
    return peers;
}

Result<void> admitPeers(const Instance& instance, Connection& connection, const std::vector<KnownPeer>& peers,
                        const Context& context) {
    if (peers.empty()) return keepUser(instance, connection, replicationUser, std::nullopt, context);
    std::vector<std::string> rules = {"on"};
    for (const auto& peer : peers) rules.push_back("#" + peer.verifier);
    for (const char* rule : {"resetkeys", "resetchannels", "-@all", "+psync", "+replconf", "+ping"})
        rules.emplace_back(rule);
    return keepUser(instance, connection, replicationUser, rules, context);
}

std::string nameOfReplica(const std::vector<KnownPeer>& peers, const Info::Replica& replica) {
    for (const auto& peer : peers)
        if (peer.address == HostPort{replica.host, replica.port}) return peer.slot;
    return HostPort{replica.host, replica.port}.text();
}

}  // namespace swb::driver::redis
