#include "driver/redis/promotion.h"

#include "driver/redis/fence.h"
#include "driver/redis/returned_data.h"
#include "driver/redis/settings.h"

namespace swb::driver::redis {

namespace {

Result<void> checkReplica(const ServerState& state, const Position& token) {
    if (state.copying)
        return fail(ErrorCode::ReplicaNotReady, "the replica is copying the whole data set",
                    "Wait until it streams again; nothing was promoted.");
    if (state.position.id != token.id)
        return fail(ErrorCode::IdentityMismatch,
                    "the replica follows the history " + state.position.id + ", the token is of " + token.id,
                    "Enable replication between the two applications again (this replaces the replica's data).");
    if (state.position.offset > token.offset)
        return fail(ErrorCode::IdentityMismatch,
                    "the replica is at " + state.position.text() + ", beyond the token's end " + token.text(),
                    "It follows another history. Do not promote it; enable replication again.");
    return {};
}

// A server that is a primary is no proof of a promotion: its own history must have begun exactly at the token.
Result<Json> verifyPromoted(const ServerState& state, const Position& token) {
    if (state.former != token)
        return fail(ErrorCode::IdentityMismatch,
                    "the server is a primary whose history did not begin at " + token.text() + " but at " +
                        (state.former.offset < 0 ? std::string("nothing") : state.former.text()),
                    "Find out who promoted it before anything else.");
    return JsonObject{{"systemId", state.position.id}, {"timeline", nullptr}, {"switchPoint", state.former.text()}};
}

tl::unexpected<Error> notReached(const Position& position, const Position& token) {
    return fail(ErrorCode::TokenNotReached,
                "the replica has applied to " + position.text() + ", the token ends at " + token.text(),
                "Nothing was promoted. Look at INFO replication there and the link between the sites.");
}

// The old primary is no replica yet: a server that wants one would refuse writes. The lasting value comes back with the
// end of the switch.
Result<void> wantNoReplicas(const Instance& instance, Connection& connection, const Context& context) {
    if (instance.role().get("min-replicas-to-write").value_or("0") == "0") return {};
    TRY_VOID(instance.writeRecord(relaxedRecord, true));
    return changeSettings(connection, {{"min-replicas-to-write", "0"}}, context);
}

}  // namespace

Result<Json> awaitToken(const Instance& instance, const Position& token, const Context& context) {
    const double start = preciseMs();
    auto session = TRY(instance.session(context));
    ServerState state;
    for (;;) {
        auto read = readState(*session, context.deadline);
        if (!read && read.error().code == ErrorCode::DeadlineExceeded) return notReached(state.position, token);
        state = TRY(std::move(read));
        if (state.primary) {
            TRY(verifyPromoted(state, token));
            return JsonObject{{"reachedAfterMs", preciseMs() - start}, {"promoted", true}};
        }
        TRY_VOID(checkReplica(state, token));
        if (state.position == token) return JsonObject{{"reachedAfterMs", preciseMs() - start}, {"promoted", false}};
        if (context.remainingMs() == 0 || context.cancelled()) return notReached(state.position, token);
        pause(pollMs);
    }
}

Result<Json> promote(const Instance& instance, const Position& token, const Context& context) {
    const double start = preciseMs();
    auto session = TRY(instance.session(context));
    ServerState state = TRY(readState(*session, context.deadline));
    if (!state.primary) {
        TRY_VOID(checkReplica(state, token));
        if (state.position != token) return notReached(state.position, token);
        // Before the promotion: were it to restart right after, it must not follow the fenced server and lose what it
        // has acknowledged by then.
        RoleFile role = instance.role();
        role.startHeld();
        TRY_VOID(instance.writeRole(role, Flush::later));
        TRY_VOID(wantNoReplicas(instance, *session, context));
        auto promoted = session->call({"REPLICAOF", "NO", "ONE"}, context.deadline);
        if (!promoted)
            return fail(ErrorCode::OutcomeUnknown,
                        "the promotion was requested and its end not seen: " + promoted.error().message,
                        "Repeat the verb: it looks first.");
        state = TRY(readState(*session, context.deadline));
        if (!state.primary) return fail(ErrorCode::VerificationFailed, "the server stays a replica");
    }
    const double promoted = preciseMs();
    Json result = TRY(verifyPromoted(state, token));
    TRY_VOID(checkAcceptsWrites(instance, *session, context));
    result.as_object()["promotedAfterMs"] = promoted - start;
    result.as_object()["writableAfterMs"] = preciseMs() - start;
    TRY_VOID(instance.flushRole());
    TRY_VOID(rememberData(instance, *session, context));
    return result;
}

Result<void> promoteStandalone(const Instance& instance, bool allowLagging, const Context& context) {
    auto session = TRY(instance.session(context));
    const ServerState state = TRY(readState(*session, context.deadline));
    if (state.primary) return {};
    const bool held = instance.role().start() == RoleFile::Start::held;
    if (!allowLagging && held)
        return fail(ErrorCode::ReplicaNotReady, "the server is a primary that came back without all its data",
                    "Fail over to its replica, or accept the loss (--accept-data-loss).");
    if (!allowLagging && (!state.linkUp || state.receivedOffset > state.position.offset))
        return fail(ErrorCode::ReplicaNotReady,
                    state.linkUp ? "the replica has not applied all it received"
                                 : "the replica has no link to its primary: what it lacks is not known",
                    "Wait until it has caught up, or accept the loss (--accept-data-loss).");
    // One that was a primary with a replica still is.
    RoleFile role = instance.role();
    if (!held) role.startAlone();
    TRY_VOID(instance.writeRole(role));
    TRY_VOID(wantNoReplicas(instance, *session, context));
    TRY(session->call({"REPLICAOF", "NO", "ONE"}, context.deadline));
    if (!TRY(readState(*session, context.deadline)).primary)
        return fail(ErrorCode::VerificationFailed, "the server stays a replica after REPLICAOF NO ONE");
    TRY_VOID(releaseWrites(instance, *session, context));
    TRY_VOID(rememberData(instance, *session, context));
    TRY_VOID(instance.removeRecord(fenceRecord));
    return instance.removeRecord(rejoinRecord);
}

}  // namespace swb::driver::redis
