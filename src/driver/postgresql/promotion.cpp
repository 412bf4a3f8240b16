#include "driver/postgresql/promotion.h"
#include "driver/postgresql/urgency.h"

#include <fmt/format.h>

#include <charconv>

#include "driver/postgresql/fence.h"
#include "driver/postgresql/synchronous.h"
#include "driver/postgresql/timelines.h"
#include "driver/postgresql/wal_record.h"

namespace swb::driver::postgresql {

namespace {

struct ReplicaState {
    bool inRecovery = false;
    bool paused = false;
    uint64_t systemId = 0;
    Lsn replayed = 0;
};

Result<ReplicaState> readState(Connection& connection, const Context& context) {
    const Rows rows = TRY(connection.query(
        "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END, "
        "(SELECT system_identifier FROM pg_control_system()), pg_last_wal_replay_lsn()",
        context.deadline));
    const Row& row = rows.at(0);
    ReplicaState state;
    state.inRecovery = row.at(0) == "t";
    state.paused = row.at(1) == "t";
    const std::string systemId = row.at(2).value_or("");
    std::from_chars(systemId.data(), systemId.data() + systemId.size(), state.systemId);
    state.replayed = parseLsn(row.at(3).value_or("")).value_or(0);
    return state;
}

Result<void> checkReplica(const ReplicaState& state, const SwitchToken& token) {
    if (state.systemId != token.systemId)
        return fail(
            ErrorCode::IdentityMismatch,
            fmt::format("the replica is a copy of system {}, the token is of {}", state.systemId, token.systemId),
            "Enable replication between the two applications again (this replaces the replica's data).");
    if (state.paused)
        return fail(ErrorCode::ReplicaNotReady, "replay is paused on the replica",
                    "A promotion would be kept and fire later. Resume it: SELECT pg_wal_replay_resume().");
    if (state.replayed > token.end)
        return fail(
            ErrorCode::IdentityMismatch,
            "the replica has replayed to " + lsnText(state.replayed) + ", beyond the token's end " + lsnText(token.end),
            "It follows another history. Do not promote it; enable replication again.");
    return {};
}

// The replica's own log holds the primary's last record, on the primary's timeline. Positions alone could not tell
// timelines apart, and pg_control of a replica shows its timeline only after the next restartpoint.
Result<void> checkHoldsRecord(const Instance& instance, const SwitchToken& token) {
    const ControlFile control = TRY(instance.control());
    const WalLayout layout{control.walBlockBytes, control.walSegmentBytes};
    const auto record = readWalRecord(token.checkpoint, layout, walFileReader(instance.data(), token.timeline, layout));
    if (!record || !record->isShutdownCheckpoint() || record->end != token.end)
        return fail(ErrorCode::IdentityMismatch,
                    "the replica's log does not hold the primary's shutdown checkpoint at " +
                        lsnText(token.checkpoint) + " on timeline " + std::to_string(token.timeline),
                    "It follows another history. Do not promote it; enable replication again.");
    return {};
}

// The timeline a primary writes now: pg_control shows the former one until the next checkpoint.
Result<uint32_t> currentTimeline(Connection& connection, const Context& context) {
    const std::string file =
        TRY(connection.value("SELECT pg_walfile_name(pg_current_wal_insert_lsn())", context.deadline));
    uint32_t timeline = 0;
    const auto [end, error] =
        std::from_chars(file.data(), file.data() + std::min<size_t>(8, file.size()), timeline, 16);
    if (error != std::errc()) return fail(ErrorCode::DatabaseFailed, "the current timeline is not known");
    return timeline;
}

// A server that is not in recovery is no proof of a promotion (one that lost its standby.signal looks the same): the
// new timeline must have begun exactly at the token's end.
Result<Json> verifyPromoted(const Instance& instance, Connection& connection, const SwitchToken& token,
                            const Context& context) {
    const uint32_t timeline = TRY(currentTimeline(connection, context));
    const auto origin = readHistory(instance.data(), timeline);
    if (!origin || origin->parent != token.timeline || origin->switchPoint != token.end)
        return fail(ErrorCode::IdentityMismatch,
                    fmt::format("the server is a primary on timeline {} that did not begin at {} of timeline {}",
                                timeline, lsnText(token.end), token.timeline),
                    "Find out who promoted it before anything else.");
    return JsonObject{{"timeline", timeline}, {"switchPoint", lsnText(origin->switchPoint)}};
}

tl::unexpected<Error> notReached(Lsn replayed, const SwitchToken& token) {
    return fail(ErrorCode::TokenNotReached,
                "the replica has replayed to " + lsnText(replayed) + ", the token ends at " + lsnText(token.end),
                "Nothing was promoted. Look at pg_stat_wal_receiver and the link between the sites.");
}

}  // namespace

Result<Json> awaitToken(const Instance& instance, const SwitchToken& token, const Context& context) {
    const double start = preciseMs();
    const HurriedRecovery hurried(instance);
    auto session = TRY(instance.session(context));
    ReplicaState state;
    for (;;) {
        auto read = readState(*session, context);
        if (!read && read.error().code == ErrorCode::DeadlineExceeded) return notReached(state.replayed, token);
        state = TRY(std::move(read));
        if (!state.inRecovery) {
            TRY(verifyPromoted(instance, *session, token, context));
            return JsonObject{{"reachedAfterMs", preciseMs() - start}, {"promoted", true}};
        }
        TRY_VOID(checkReplica(state, token));
        if (state.replayed == token.end) break;
        if (context.remainingMs() == 0 || context.cancelled()) return notReached(state.replayed, token);
        pause(pollMs);
    }
    TRY_VOID(checkHoldsRecord(instance, token));
    return JsonObject{{"reachedAfterMs", preciseMs() - start}, {"promoted", false}};
}

Result<Json> promote(const Instance& instance, const SwitchToken& token, const Context& context) {
    const double start = preciseMs();
    const HurriedRecovery hurried(instance);
    auto session = TRY(instance.session(context));
    const ReplicaState state = TRY(readState(*session, context));
    if (state.inRecovery) {
        TRY_VOID(checkReplica(state, token));
        if (state.replayed != token.end) return notReached(state.replayed, token);
        // Usually done before the outage. The first commit of a primary whose standbys are elsewhere would never end.
        TRY_VOID(setAsideStandbyNames(instance, *session, context));
        // Not waiting: the function's own wait looks only every 100 ms.
        TRY(session->query("SELECT pg_promote(false)", context.deadline));
    }
    for (;;) {
        const auto inRecovery = session->value("SELECT pg_is_in_recovery()", context.deadline);
        if (inRecovery && *inRecovery == "f") break;
        if (!inRecovery || context.remainingMs() == 0)
            return fail(ErrorCode::OutcomeUnknown,
                        "the promotion was requested and its end not seen: " +
                            (inRecovery ? std::string("still in recovery") : inRecovery.error().message),
                        "Repeat the verb: it looks first.");
        pause(pollMs);
    }
    const double promoted = preciseMs();
    Json result = TRY(verifyPromoted(instance, *session, token, context));
    if (!TRY(acceptsWrites(*session, context)))
        return fail(ErrorCode::VerificationFailed, "the promoted server went back into recovery");
    result.as_object()["promotedAfterMs"] = promoted - start;
    result.as_object()["writableAfterMs"] = preciseMs() - start;
    return result;
}

Result<void> promoteStandalone(const Instance& instance, bool allowLagging, const Context& context) {
    auto session = TRY(instance.session(context));
    const Rows rows = TRY(session->query(
        "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END, "
        "pg_last_wal_replay_lsn(), (SELECT latest_end_lsn FROM pg_stat_wal_receiver WHERE status = 'streaming')",
        context.deadline));
    const Row& row = rows.at(0);
    if (row.at(0) == "f") return {};
    const Lsn replayed = parseLsn(row.at(2).value_or("")).value_or(0);
    const auto known = parseLsn(row.at(3).value_or(""));
    if (!allowLagging && row.at(1) == "t")
        return fail(ErrorCode::ReplicaNotReady, "replay is paused on the replica",
                    "Resume it with SELECT pg_wal_replay_resume(), or accept the loss (--accept-data-loss).");
    if (!allowLagging && (!known || *known > replayed))
        return fail(ErrorCode::ReplicaNotReady,
                    known ? "the replica has replayed to " + lsnText(replayed) + " of " + lsnText(*known)
                          : "the replica is not streaming: what it lacks is not known",
                    "Wait until it has caught up, or accept the loss (--accept-data-loss).");
    if (row.at(1) == "t") TRY(session->query("SELECT pg_wal_replay_resume()", context.deadline));
    TRY_VOID(setAsideStandbyNames(instance, *session, context));
    // A restore command that waits for the lost site would hold the promotion for minutes.
    TRY(session->query("ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'", context.deadline));
    if (session->serverVersion() >= 140000)
        TRY(session->query("ALTER SYSTEM SET restore_command = ''", context.deadline));
    TRY(session->query("SELECT pg_reload_conf()", context.deadline));
    TRY(session->query("SELECT pg_promote(false)", context.deadline));
    while (TRY(session->value("SELECT pg_is_in_recovery()", context.deadline)) != "f") {
        if (context.remainingMs() == 0)
            return fail(ErrorCode::OutcomeUnknown, "the promotion was requested and its end not seen",
                        "Repeat the verb: it looks first.");
        pause(2);
    }
    // pg_control shows the new timeline only after a checkpoint, and pg_rewind against it would be wrong until then.
    TRY(session->query("CHECKPOINT", context.deadline));
    return {};
}

}  // namespace swb::driver::postgresql
