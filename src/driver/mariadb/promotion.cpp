#include "driver/mariadb/promotion.h"

#include <algorithm>
#include <future>

#include "base/fault.h"
#include "driver/mariadb/fence.h"
#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* reenableHint =
    "It follows another history. Do not promote it; enable replication between the two applications again.";

tl::unexpected<Error> notReached(const Dialect& dialect, const std::string& position, const SwitchToken& token) {
    return fail(
        ErrorCode::TokenNotReached,
        "the replica has applied to " + (position.empty() ? "nothing" : position) + ", the token ends at " + token.end,
        "Nothing was promoted. Look at " + std::string(dialect.showReplica()) + " and the link between the sites.");
}

Result<void> checkIdentity(const ServerState& state, const SwitchToken& token) {
    if (state.identity == token.identity) return {};
    return fail(ErrorCode::IdentityMismatch,
                "the replica is a copy of database " + (state.identity.empty() ? "(none)" : state.identity) +
                    ", the token is of " + token.identity,
                "Enable replication between the two applications again (this replaces the replica's data).");
}

// A replica that will get to the token by itself, or is there.
Result<void> checkReplica(const Dialect& dialect, const ServerState& state, const SwitchToken& token) {
    const ReplicaColumns& columns = dialect.columns();
    const std::string& delay = state.status.at(columns.delaySeconds);
    if (!delay.empty() && delay != "0")
        return fail(ErrorCode::ReplicaNotReady, "the replica delays by " + delay + " s", "Set its delay to 0.");
    const Relation relation = TRY(dialect.relation(state.position, token.end));
    if (relation == Relation::ahead || relation == Relation::diverged)
        return fail(ErrorCode::IdentityMismatch,
                    "the replica is at " + state.position + ", the token ends at " + token.end, reenableHint);
    if (relation == Relation::equal) return {};
    if (!state.applying(dialect)) {
        const std::string& error = state.status.at(columns.applierError);
        return fail(ErrorCode::ReplicaNotReady,
                    "the replica does not apply what it receives" + (error.empty() ? "" : ": " + error),
                    "Start its SQL thread, or resync it.");
    }
    return {};
}

tl::unexpected<Error> fenced() {
    return fail(ErrorCode::GuardRefused, "a fence holds the server", "Unfence it, or make it a replica (rejoin).");
}

// Promoted at that very token: the row of the promotion says so, or ours does where that row was not written yet.
Result<bool> wasPromotedAt(const Instance& instance, Connection& connection, const ServerState& state,
                           const SwitchToken& token, const Context& context) {
    if (state.replica) return false;
    // It was, perhaps, and has been fenced since: a late repetition must not open it.
    if (hasFence(instance)) return fenced();
    if (TRY(lastPromotion(connection, context)) == token.end) return true;
    return textAt(instance.record(promotionRecord), "end") == token.end;
}

tl::unexpected<Error> notOurs(const ServerState& state, const SwitchToken& token) {
    return fail(ErrorCode::IdentityMismatch,
                "the server has no source and was not promoted at " + token.end + " (it is at " + state.position + ")",
                "Find out who promoted it before anything else.");
}

// Between stopping the replica and opening it nothing may have come.
Result<void> forgetSource(const Instance& instance, Connection& connection, const SwitchToken& token,
                          const Context& context) {
    const Dialect& dialect = instance.dialect();
    // Flushed while the replica stops: it tells a promotion that was cut off from a primary that was restarted.
    auto recorded = std::async(std::launch::async, [&] {
        return instance.writeRecord(promotionRecord, JsonObject{{"end", token.end}});
    });
    auto stopped = connection.execute(std::string(dialect.stopReplica()), context.deadline);
    TRY_VOID(recorded.get());
    if (!stopped) return stopped;
    faultPoint("promotion", instance.spec().name, "stopped");
    const ServerState state = TRY(readState(instance, connection, context));
    if (TRY(dialect.relation(state.position, token.end)) != Relation::equal) {
        TRY_VOID(instance.removeRecord(promotionRecord));
        TRY_VOID(connection.execute(std::string(dialect.startReplica()), context.deadline));
        return notReached(dialect, state.position, token);
    }
    TRY_VOID(connection.execute(std::string(dialect.forgetSource()), context.deadline));
    faultPoint("promotion", instance.spec().name, "alone");
    return {};
}

}  // namespace

Result<Json> awaitToken(const Instance& instance, const SwitchToken& token, const Context& context) {
    const double start = preciseMs();
    const Dialect& dialect = instance.dialect();
    auto session = TRY(instance.session(context));
    constexpr int64_t sliceMs = 50;  // how long a cancellation may go unnoticed
    for (;;) {
        const ServerState state = TRY(readState(instance, *session, context));
        TRY_VOID(checkIdentity(state, token));
        if (!state.replica) {
            if (!TRY(wasPromotedAt(instance, *session, state, token, context))) return notOurs(state, token);
            return JsonObject{{"reachedAfterMs", preciseMs() - start}, {"promoted", true}};
        }
        TRY_VOID(checkReplica(dialect, state, token));
        if (TRY(dialect.relation(state.position, token.end)) == Relation::equal) break;
        const int64_t left = std::min(sliceMs, context.remainingMs() - 10);
        if (left <= 0 || context.cancelled()) return notReached(dialect, state.position, token);
        TRY(session->value(dialect.awaitPosition(token.end, left), context.deadline));
    }
    return JsonObject{{"reachedAfterMs", preciseMs() - start}, {"promoted", false}};
}

Result<Json> promote(const Instance& instance, const SwitchToken& token, const Context& context) {
    const double start = preciseMs();
    const Dialect& dialect = instance.dialect();
    auto session = TRY(instance.session(context));
    const ServerState state = TRY(readState(instance, *session, context));
    TRY_VOID(checkIdentity(state, token));
    if (state.replica) {
        TRY_VOID(checkReplica(dialect, state, token));
        if (TRY(dialect.relation(state.position, token.end)) != Relation::equal)
            return notReached(dialect, state.position, token);
        TRY_VOID(forgetSource(instance, *session, token, context));
    } else if (!TRY(wasPromotedAt(instance, *session, state, token, context))) {
        return notOurs(state, token);
    }
    const double promoted = preciseMs();
    TRY_VOID(openPrimary(instance, *session, context));
    const double opened = preciseMs();
    // The first transaction of the new epoch proves that writes are taken, and tells every later look where it began.
    if (TRY(lastPromotion(*session, context)) != token.end)
        TRY_VOID(writePromotion(*session, token.end, token.epoch, context));
    TRY_VOID(instance.removeRecord(promotionRecord));
    const ServerState after = TRY(readState(instance, *session, context));
    if (after.replica || after.writesClosed)
        return fail(ErrorCode::VerificationFailed, "the promoted server was closed again by somebody");
    return JsonObject{{"timeline", nullptr},
                      {"switchPoint", token.end},
                      {"position", after.position},
                      {"promotedAfterMs", promoted - start},
                      {"writableAfterMs", opened - start}};
}

namespace {

// What was received is applied before the source is forgotten: RESET SLAVE ALL throws relay logs away.
Result<void> applyReceived(const Instance& instance, Connection& connection, bool allowLagging,
                           const Context& context) {
    const Dialect& dialect = instance.dialect();
    const ReplicaColumns& columns = dialect.columns();
    if (allowLagging) {
        const ServerState state = TRY(readState(instance, connection, context));
        if (!state.applying(dialect)) (void)connection.execute(std::string(dialect.startApplier()), context.deadline);
    }
    (void)connection.execute(std::string(dialect.stopReceiver()), context.deadline);
    for (;;) {
        const ServerState state = TRY(readState(instance, connection, context));
        const bool all = TRY(dialect.hasAppliedAll(state.status));
        if (all) return {};
        if (!state.applying(dialect) && allowLagging) return {};
        if (!state.applying(dialect) || context.remainingMs() == 0 || context.cancelled()) {
            (void)connection.execute(std::string(dialect.startReplica()), context.deadline);
            return fail(ErrorCode::ReplicaNotReady,
                        "the replica has received more than it has applied: " + state.status.at(columns.applierError),
                        "Wait until it has caught up, or accept the loss (--accept-data-loss).");
        }
        pause(2);
    }
}

}  // namespace

Result<void> promoteStandalone(const Instance& instance, bool allowLagging, const Context& context) {
    const Dialect& dialect = instance.dialect();
    auto session = TRY(instance.session(context));
    ServerState state = TRY(readState(instance, *session, context));
    if (!state.replica && !state.writesClosed) return {};
    if (!state.replica && hasFence(instance)) return fenced();
    if (state.replica) {
        if (!allowLagging && (!state.receiving(dialect) || !state.applying(dialect)))
            return fail(ErrorCode::ReplicaNotReady, "the replica is not streaming: what it lacks is not known",
                        "Wait until it streams again, or accept the loss (--accept-data-loss).");
        TRY_VOID(applyReceived(instance, *session, allowLagging, context));
        TRY_VOID(session->execute(std::string(dialect.stopReplica()), context.deadline));
        state = TRY(readState(instance, *session, context));
        TRY_VOID(instance.writeRecord(promotionRecord, JsonObject{{"end", state.position}}));
        TRY_VOID(session->execute(std::string(dialect.forgetSource()), context.deadline));
    }
    TRY_VOID(liftFence(instance, *session, context));
    TRY_VOID(openPrimary(instance, *session, context));
    TRY_VOID(writePromotion(*session, state.position, 0, context));
    return instance.removeRecord(promotionRecord);
}

}  // namespace swb::driver::mariadb
