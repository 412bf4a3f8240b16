#include "base/log.h"
#include "driver/redis/credentials.h"
#include "driver/redis/fence.h"
#include "driver/redis/following.h"
#include "driver/redis/peers.h"
#include "driver/redis/promotion.h"
#include "driver/redis/source.h"

namespace swb::driver::redis {

namespace {

// A hand-over of somebody: it gets a moment to end, then it is aborted, because one that cannot reach its target stays
// for ever, without a writable server. Who is what after that, only a look at both servers tells.
Result<void> refuseHandOver(Connection& connection, const Context& context) {
    constexpr int64_t patienceMs = 2000;
    const MonotonicMs until = within(context, patienceMs);
    ServerState state = TRY(readState(connection, context.deadline));
    while (state.failover != "no-failover" && SystemClock().monotonic() < until) {
        pause(20);
        state = TRY(readState(connection, context.deadline));
    }
    if (state.failover == "no-failover") return {};
    logWarning("redis", "a FAILOVER is stuck ({}): it is aborted", state.failover);
    TRY(connection.call({"FAILOVER", "ABORT"}, context.deadline));
    state = TRY(readState(connection, context.deadline));
    return fail(ErrorCode::InUse,
                std::string("a FAILOVER that somebody began was stuck and has been aborted; this server is a ") +
                    (state.primary ? "primary" : "replica") + " now",
                "Look at the roles of both servers (there may be two primaries), then try again.");
}

// Asks the replicas for their word now; otherwise they give it once a second. WAIT asks for what its own connection has
// replicated (before Redis 7.2: for everything), so that must be something: a message to nobody. A pause would hold
// that back, whoever made it: hence a connection that can be given up.
void askReplicas(const Instance& instance, const Context& context) {
    constexpr int64_t patienceMs = 150;
    const Context brief = withDeadline(context, within(context, patienceMs));
    auto connection = logInAsAgent(instance, brief);
    if (connection)
        (void)connection->callAll({{"PUBLISH", "swingbridge:word", ""}, {"WAIT", "1", "50"}}, brief.deadline);
}

// The replica has acknowledged what there is now. A link that is up proves less: after a copy the primary sends nothing
// until the replica's first word, which may take a second, and that second must not lie in the outage.
Result<void> awaitCaughtUp(const Instance& instance, Connection& connection, std::string_view slot, int64_t offset,
                           const Context& context) {
    constexpr int64_t patienceMs = 10'000, lastRoundMs = 150;  // the answer must come before the deadline does
    const MonotonicMs until = within(context, patienceMs) - lastRoundMs;
    const auto peers = knownPeers(instance);
    for (;;) {
        std::string seen = "it is not connected";
        const Info info = TRY(connection.info("replication", context.deadline));
        for (const auto& replica : info.replicas()) {
            if (nameOfReplica(peers, replica) != slot) continue;
            if (replica.state == "online" && replica.offset >= offset) return {};
            seen = "it is " + replica.state + ", " + std::to_string(offset - replica.offset) + " bytes behind";
        }
        if (SystemClock().monotonic() >= until || context.cancelled())
            return fail(ErrorCode::ReplicaNotReady,
                        "the replica " + std::string(slot) + " does not stream from here: " + seen,
                        "See INFO replication of both servers. A replica is known by the address it announces.");
        askReplicas(instance, context);
        pause(2);
    }
}

Result<void> refreshMomentary(const Instance& instance, Connection& connection, const Context& context) {
    if (!instance.record(fenceRecord).is_null() || TRY(writesAreHeld(connection, context))) return {};
    RoleFile role = instance.role();
    if (!instance.record(relaxedRecord).is_null()) {
        // A former switch did not come to its end.
        TRY_VOID(changeSettings(connection, lastingValues(role), context));
        return instance.removeRecord(relaxedRecord);
    }
    TRY_VOID(keepMomentarySettings(connection, role, context));
    return instance.writeRole(role);
}

}  // namespace

Result<void> prepareSwitchSource(const Instance& instance, std::string_view peerSlot, const Context& context) {
    auto session = TRY(instance.session(context));
    TRY_VOID(refuseHandOver(*session, context));
    const ServerState state = TRY(readState(*session, context.deadline));
    if (!state.primary) return fail(ErrorCode::GuardRefused, "the server is a replica, not the source of a switch");
    if (!peerSlot.empty()) TRY_VOID(awaitCaughtUp(instance, *session, peerSlot, state.position.offset, context));
    TRY_VOID(refreshMomentary(instance, *session, context));
    RoleFile role = instance.role();
    if (role.start() != RoleFile::Start::held) {
        role.startHeld();
        TRY_VOID(instance.writeRole(role));
    }
    return {};
}

namespace {

tl::unexpected<Error> notStreaming(const ServerState& state, int64_t lag) {
    return fail(ErrorCode::ReplicaNotReady,
                state.copying  ? "the replica is copying the whole data set"
                : state.linkUp ? "the replica is " + std::to_string(lag) + " bytes behind"
                               : std::string("the replica has no link to the primary"),
                "Wait until it streams; test-source shows whether the primary can be reached.");
}

}  // namespace

Result<void> prepareSwitchReplica(const Instance& instance, const Peer& peer, int64_t lagBytesMax,
                                  const Context& context) {
    auto session = TRY(instance.session(context));
    const HostPort primary{peer.host, peer.port};
    for (;;) {
        const ServerState state = TRY(readState(*session, context.deadline));
        if (state.primary) return fail(ErrorCode::ReplicaNotReady, "the server is not a replica");
        if (state.follows != primary)
            return fail(ErrorCode::ReplicaNotReady,
                        "the replica follows " + state.follows.text() + ", not " + primary.text());
        // What it has received and not applied; what it has not received, the source's facts say.
        const int64_t lag = state.receivedOffset - state.position.offset;
        if (state.linkUp && lag <= lagBytesMax) break;
        constexpr int64_t sampleMs = 30;
        // Time for one more look must be left: that none was is not what is wrong with the replica.
        if (context.remainingMs() < 4 * sampleMs || context.cancelled()) return notStreaming(state, lag);
        pause(sampleMs);
    }
    return refreshMomentary(instance, *session, context);
}

Result<void> endSwitch(const Instance& instance, const Context& context) {
    if (!instance.record(fenceRecord).is_null()) return {};
    auto session = TRY(instance.session(context));
    TRY_VOID(changeSettings(*session, lastingValues(instance.role()), context));
    return instance.removeRecord(relaxedRecord);
}

}  // namespace swb::driver::redis
