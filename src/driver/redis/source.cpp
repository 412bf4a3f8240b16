#include "driver/redis/source.h"

#include <algorithm>

#include "driver/redis/credentials.h"
#include "driver/redis/following.h"
#include "driver/redis/peers.h"
#include "driver/redis/returned_data.h"
#include "driver/redis/tls.h"

namespace swb::driver::redis {

namespace {

constexpr int64_t leastBacklogBytes = 64 << 20;

Result<void> checkCanBeSource(Connection& connection, const Context& context) {
    const Info info = TRY(connection.info("server", context.deadline));
    const Release release = releaseOf(info);
    if (!release.supported())
        return fail(ErrorCode::Unsupported, "the server is version " + release.version,
                    "Redis 6.2 to 8 and Valkey 7.2 to 9 are supported.");
    if (info.text("redis_mode") == "cluster" || info.text("server_mode") == "cluster")
        return fail(ErrorCode::Unsupported, "the server is a member of a cluster",
                    "A cluster fails over by itself; Swingbridge drives single servers with replicas.");
    const Reply watched = TRY(connection.call({"PUBSUB", "CHANNELS", "__sentinel__:hello"}, context.deadline));
    if (!watched.list.empty())
        return fail(ErrorCode::Unsupported, "a Sentinel watches the server",
                    "Sentinel and Swingbridge would undo each other's work: SENTINEL REMOVE it first.");
    return {};
}

// The backlog bridges a cut link; one that expires while nobody is connected takes the history with it.
Result<int64_t> sizeBacklog(Connection& connection, RoleFile& role, const Context& context) {
    const Release release = releaseOf(TRY(connection.info("server", context.deadline)));
    constexpr int64_t sampleMs = 200;
    const int64_t first = TRY(readState(connection, context.deadline)).position.offset;
    pause(sampleMs);
    const int64_t second = TRY(readState(connection, context.deadline)).position.offset;
    const int64_t now = std::atoll(TRY(settingOf(connection, "repl-backlog-size", context)).c_str());
    const int64_t bytes = backlogBytes(release, now, (second - first) * 1000 / sampleMs);
    const Settings wanted = {{"repl-backlog-size", std::to_string(bytes)}, {"repl-backlog-ttl", "0"}};
    for (const auto& [name, value] : wanted) role.set(name, value);
    TRY_VOID(changeSettings(connection, wanted, context));
    return bytes;
}

}  // namespace

int64_t wantedBacklogBytes(int64_t bytesPerSecond) {
    constexpr int64_t most = 1 << 30, seconds = 600;
    return std::clamp(bytesPerSecond * seconds, leastBacklogBytes, most);
}

int64_t backlogBytes(const Release& release, int64_t now, int64_t bytesPerSecond) {
    const bool resizingEmpties = !release.valkey && !release.atLeast(7, 0);
    if (resizingEmpties && now >= leastBacklogBytes) return now;
    return std::max(now, wantedBacklogBytes(bytesPerSecond));
}

Result<Json> prepareSource(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context) {
    auto session = TRY(instance.awaitReady(context));
    TRY_VOID(checkCanBeSource(*session, context));
    const ServerState state = TRY(readState(*session, context.deadline));
    // What a replica without a link passes on ends somewhere, and nobody would notice.
    if (!state.primary && !slot.empty() && !state.linkUp)
        return fail(ErrorCode::ReplicaNotReady, "the server is a replica that does not follow its own source",
                    "Let it follow first; `swing replication status` shows its link.");
    RoleFile role = instance.role();
    TRY_VOID(openTlsPort(instance, *session, role, context));
    TRY_VOID(configureFollowing(instance, *session, role, context));
    const int64_t backlog = TRY(sizeBacklog(*session, role, context));
    if (!role.get(momentarySettings[0])) TRY_VOID(keepMomentarySettings(*session, role, context));
    if (state.primary && !slot.empty()) role.startHeld();
    TRY_VOID(instance.writeRole(role));
    TRY_VOID(admitPeers(instance, *session, TRY(rememberPeer(instance, peer)), context));
    TRY_VOID(rememberData(instance, *session, context));
    return JsonObject{{"systemId", state.position.id},
                      {"timeline", nullptr},
                      {"position", state.position.text()},
                      {"backlogBytes", backlog},
                      {"restartNeeded", JsonArray{}}};
}

Result<PeerIdentity> identifyPeer(const Instance& instance, const Peer& peer, const Context& context) {
    const Endpoint endpoint = TRY(instance.peerEndpoint({peer.host, peer.port}));
    Connection connection = TRY(Connection::open(endpoint, context.deadline));
    const Secret password = TRY(replicationPassword(instance));
    // HELLO logs in and tells the version; it is the one command beside these that needs no right of its own.
    const Reply hello =
        TRY(connection.call({"HELLO", "2", "AUTH", std::string(replicationUser), password.reveal()}, context.deadline));
    PeerIdentity identity;
    identity.release = releaseOf(hello.valueOf("server").value_or(""), hello.valueOf("version").value_or(""));
    identity.role = hello.valueOf("role").value_or("");
    if (hello.valueOf("mode").value_or("standalone") != "standalone")
        return fail(ErrorCode::Unsupported, "the peer runs in the mode " + hello.valueOf("mode").value_or(""),
                    "Swingbridge drives single servers with replicas.");
    const HostPort& here = instance.spec().replicationAddress();
    std::vector<Command> commands = {{"PING"}, {"REPLCONF", "listening-port", std::to_string(here.port)}};
    // A place that is no number is refused after the rights were looked at and before anything is copied; older servers
    // take it for a wish to copy everything.
    if (identity.release.atLeast(7, 0)) commands.push_back({"PSYNC", "?", "nowhere"});
    const auto replies = TRY(connection.callAll(commands, context.deadline));
    for (const auto& reply : replies)
        if (reply.errorName() == "NOPERM")
            return fail(ErrorCode::DatabaseFailed, "the peer's replication user lacks a right: " + reply.text,
                        "Prepare the source again (database.prepare-source).");
    return identity;
}

Result<Json> testSource(const Instance& instance, const Peer& peer, const Context& context) {
    const PeerIdentity identity = TRY(identifyPeer(instance, peer, context));
    auto session = TRY(instance.awaitReady(context));
    const Release own = releaseOf(TRY(session->info("server", context.deadline)));
    if (identity.release.snapshotVersion() > own.snapshotVersion() ||
        (identity.release.valkey != own.valkey && identity.release.snapshotVersion() > 11))
        return fail(ErrorCode::Unsupported,
                    "the peer (" + identity.release.version + ") writes snapshots of version " +
                        std::to_string(identity.release.snapshotVersion()) + ", this server (" + own.version +
                        ") reads up to " + std::to_string(own.snapshotVersion()),
                    "Bring this server to the peer's release first: replication goes from older to newer only.");
    return JsonObject{{"systemId", nullptr},
                      {"timeline", nullptr},
                      {"position", nullptr},
                      {"version", identity.release.version},
                      {"role", identity.role == "master" ? "primary" : "replica"}};
}

Result<Json> releaseSource(const Instance& instance, const std::vector<std::string>& slots, const Context& context) {
    auto session = TRY(instance.awaitReady(context));
    JsonArray dropped;
    for (const auto& peer : knownPeers(instance))
        if (std::find(slots.begin(), slots.end(), peer.slot) != slots.end()) dropped.emplace_back(peer.slot);
    const auto left = TRY(forgetPeers(instance, slots));
    if (dropped.empty()) return JsonObject{{"dropped", std::move(dropped)}};
    TRY_VOID(admitPeers(instance, *session, left, context));
    // With its user everybody goes; who is still let in comes back by itself and loses nothing.
    if (!left.empty()) TRY(session->call({"CLIENT", "KILL", "USER", std::string(replicationUser)}, context.deadline));
    const ServerState state = TRY(readState(*session, context.deadline));
    if (left.empty() && state.primary) {
        RoleFile role = instance.role();
        role.startAlone();
        TRY_VOID(closeTlsPort(*session, role, context));
        TRY_VOID(instance.writeRole(role));
    }
    return JsonObject{{"dropped", std::move(dropped)}};
}

}  // namespace swb::driver::redis
