#include "driver/mariadb/rejoin.h"

#include "base/fault.h"
#include "base/log.h"
#include "driver/mariadb/accounts.h"
#include "driver/mariadb/divergence.h"
#include "driver/mariadb/fence.h"
#include "driver/mariadb/server_options.h"
#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

namespace {

bool follows(const Dialect& dialect, const ServerState& state, const Peer& peer) {
    return state.replica && state.status.at(dialect.columns().host) == peer.host &&
           state.status.at(dialect.columns().port) == std::to_string(peer.port);
}

// The history ends exactly at the token.
Result<void> checkEndsAtToken(const Instance& instance, const ServerState& state, Connection& connection,
                              const SwitchToken& token, const Context& context) {
    if (state.identity != token.identity)
        return fail(ErrorCode::IdentityMismatch,
                    "this is a copy of database " + (state.identity.empty() ? "(none)" : state.identity) +
                        ", the token is of " + token.identity,
                    "Enable replication between the two applications again (this replaces this site's data).");
    const Relation relation = TRY(instance.dialect().relation(state.position, token.end));
    if (relation == Relation::equal) return {};
    if (relation == Relation::behind)
        return fail(ErrorCode::IdentityMismatch,
                    "this server is at " + state.position + ", before the token's end " + token.end,
                    "It is an older copy. Resync it.");
    const auto saved = saveAfter(instance, connection, token.end, context);
    return fail(ErrorCode::IdentityMismatch,
                "this server went on after the token " + token.end + " to " + state.position +
                    ": the other site lacks " + (saved ? describe(*saved) : saved.error().message),
                "Its data is untouched. Look at what was saved, apply what matters at the current site, then resync.");
}

Result<void> beginToFollow(const Instance& instance, Connection& connection, const Peer& peer, const SwitchToken& token,
                           const Context& context) {
    const Dialect& dialect = instance.dialect();
    // Until the replica is set up nobody else gets in: the lock goes, the locked accounts stay.
    TRY_VOID(connection.execute(std::string(dialect.closeWrites()), context.deadline));
    TRY_VOID(endSessions(instance, connection, context));
    if (auto holder = instance.sessions().takeHolder(instance.sessionsKey())) {
        TRY_VOID(holder->execute("UNLOCK TABLES", context.deadline));
        instance.sessions().giveIdle(instance.sessionsKey(), std::move(*holder));
    }
    for (const auto& statement :
         dialect.followSource(instance.sourceAddress(peer), token.end, connection.serverVersion()))
        TRY_VOID(connection.execute(statement, context.deadline));
    faultPoint("rejoin", instance.spec().name, "configured");
    const ServerState state = TRY(readState(instance, connection, context));
    if (TRY(dialect.relation(state.applied, token.end)) == Relation::equal) return {};
    TRY_VOID(connection.execute(std::string(dialect.forgetSource()), context.deadline));
    return fail(ErrorCode::VerificationFailed,
                "the replica would begin at " + state.applied + " instead of the token's end " + token.end);
}

}  // namespace

Result<void> checkServerIds(int64_t own, int64_t peers) {
    if (own != peers && own != 0) return {};
    return fail(ErrorCode::IdentityMismatch, "this server and its peer both have server_id " + std::to_string(own),
                "Give one of them another (enabling replication anew does it): a replica ignores transactions that "
                "carry its own number.");
}

Result<void> awaitStreaming(const Instance& instance, Connection& connection, const Peer& peer,
                            const Context& context) {
    const Dialect& dialect = instance.dialect();
    for (;;) {
        const ServerState state = TRY(readState(instance, connection, context));
        if (state.receiving(dialect) && state.applying(dialect)) return {};
        const std::string &receiver = state.status.at(dialect.columns().receiverError),
                          &applier = state.status.at(dialect.columns().applierError);
        // A thread that stopped with an error does not go on by itself.
        const bool broken = (!applier.empty() && !state.applying(dialect)) ||
                            (!receiver.empty() && state.status.at(dialect.columns().receiver) == "No");
        if (broken || context.remainingMs() == 0 || context.cancelled())
            return fail(context.remainingMs() == 0 ? ErrorCode::DeadlineExceeded : ErrorCode::DatabaseFailed,
                        "the replica in " + instance.data() + " does not stream from " + peer.host + ":" +
                            std::to_string(peer.port) + " (receiver: " + state.status.at(dialect.columns().receiver) +
                            " " + receiver + ", applier: " + state.status.at(dialect.columns().applier) + " " +
                            applier + ")",
                        "See the server's log; test-source shows whether the peer can be reached.");
        pause(2);
    }
}

Result<void> startReplicating(const Instance& instance, Connection& connection, const Context& context) {
    const Dialect& dialect = instance.dialect();
    const ServerState state = TRY(readState(instance, connection, context));
    if (state.receiving(dialect) && state.applying(dialect)) return {};
    // A server takes the number of its appliers while none of its threads runs.
    if (!state.receiving(dialect) && !state.applying(dialect)) TRY_VOID(applyInParallel(instance, connection, context));
    return connection.execute(std::string(dialect.startReplica()), context.deadline);
}

Result<Json> rejoin(const Instance& instance, const Peer& peer, const SwitchToken& token, const Context& context) {
    const double start = preciseMs();
    const Dialect& dialect = instance.dialect();
    auto session = TRY(instance.startedSession(context));
    const ServerState state = TRY(readState(instance, *session, context));
    if (!follows(dialect, state, peer)) {
        if (state.replica)
            return fail(ErrorCode::GuardRefused,
                        "this server follows " + state.status.at(dialect.columns().host) + " already",
                        "Resync it from " + peer.host + ".");
        TRY_VOID(checkEndsAtToken(instance, state, *session, token, context));
        auto source = TRY(instance.peerConnection(peer, context.deadline));
        const PeerState peerState = TRY(readPeer(dialect, source, context.deadline));
        TRY_VOID(checkServerIds(state.serverId, peerState.serverId));
        TRY_VOID(beginToFollow(instance, *session, peer, token, context));
    }
    TRY_VOID(startReplicating(instance, *session, context));
    TRY_VOID(awaitStreaming(instance, *session, peer, context));
    const double streaming = preciseMs();
    TRY_VOID(liftFence(instance, *session, context));
    // A call that was cut off while it unlocked the accounts may have left administrators able to write.
    if (dialect.closesForEverybody()) TRY_VOID(session->execute(std::string(dialect.closeWrites()), context.deadline));
    return JsonObject{{"streamingAfterMs", streaming - start}, {"rewound", false}, {"droppedSlots", JsonArray{}}};
}

}  // namespace swb::driver::mariadb
