#include "driver/postgresql/rejoin.h"

#include <fmt/format.h>

#include "driver/postgresql/divergence.h"
#include "driver/postgresql/fence.h"
#include "driver/postgresql/promotion.h"
#include "driver/postgresql/source.h"
#include "driver/postgresql/wal_record.h"
#include "model/group.h"

namespace swb::driver::postgresql {

namespace {

// The data directory ends exactly at the token. A standby that was started behind the fence and received nothing has
// another state in its control file and still the same end.
Result<void> checkEndsAtToken(const Instance& instance, const SwitchToken& token, const Context& context) {
    const ControlFile control = TRY(instance.control());
    if (control.systemId != token.systemId)
        return fail(ErrorCode::IdentityMismatch,
                    fmt::format("this is system {}, the token is of {}", control.systemId, token.systemId),
                    "Enable replication between the two applications again (this replaces this site's data).");
    const bool stoppedThere = control.state == ControlState::shutDown ||
                              control.state == ControlState::shutDownInRecovery ||
                              control.state == ControlState::inArchiveRecovery;
    const bool wentOn = hasRecordAfter(instance.data(), control, token.timeline, token.checkpoint, token.end) ||
                        control.checkpoint != token.checkpoint || control.timeline != token.timeline || !stoppedThere;
    if (!wentOn) return {};
    // What only this server has is saved and counted now, for whoever has to decide; its data stays as it is.
    const auto saved = saveOnlyHere(instance, Fork{token.timeline, token.end, token.timeline}, context);
    const std::string only = !saved             ? "what it has since could not be saved: " + saved.error().message
                             : saved->is_null() ? std::string("its log holds nothing since")
                                                : "only here: " + describeOnlyHere(*saved);
    return fail(ErrorCode::IdentityMismatch,
                fmt::format("this server did not end at the token ({} on timeline {}): \"{}\", checkpoint {} on {}; {}",
                            lsnText(token.end), token.timeline, nameOf(control.state), lsnText(control.checkpoint),
                            control.timeline, only),
                "Its data is untouched. Look at what was saved, apply what matters at the current site, then resync "
                "with --accept-data-loss: it is rewound where that is possible.");
}

// This rejoin has begun before: the server follows the new timeline already, or was about to.
bool begunBefore(const Instance& instance, const SwitchToken& token) {
    return textAt(instance.record("rejoin"), "end") == lsnText(token.end);
}

Result<void> stopToFollow(const Instance& instance, const Context& context) {
    constexpr int64_t patienceMs = 400;
    if (!instance.postmaster()) return {};
    const ControlFile control = TRY(instance.control());
    if (control.state == ControlState::inProduction)
        return fail(ErrorCode::IdentityMismatch, "this server runs as a primary",
                    "It was started behind the fence; fence it and look at what it holds before it is replaced.");
    return endPostmaster(instance, patienceMs, context);
}

// It runs already as a replica of that very peer, slot and all: an interrupted or repeated rejoin.
bool followsAlready(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context) {
    if (instance.autoConfSetting("primary_conninfo") != instance.primaryConnectionInfo(peer, slot) ||
        instance.autoConfSetting("primary_slot_name") != std::string(slot) || !instance.postmaster() ||
        !instance.standbySignal())
        return false;
    constexpr int64_t lookMs = 1000;
    const Context look = withDeadline(context, within(context, lookMs));
    auto session = instance.session(look);
    if (!session) return false;
    const auto streaming = (*session)->value(
        "SELECT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')",
        look.deadline);
    return streaming && *streaming == "t";
}

}  // namespace

Result<void> writeReplicaSettings(const Instance& instance, const Peer& peer, std::string_view slot) {
    return instance.editAutoConf({{"primary_conninfo", instance.primaryConnectionInfo(peer, slot)},
                                  {"primary_slot_name", std::string(slot)},
                                  {"recovery_target_timeline", "latest"},
                                  {"wal_retrieve_retry_interval", std::string(steadyRetryInterval)}});
}

Result<void> awaitStreaming(const Instance& instance, Connection& connection, const Peer& peer, Lsn position,
                            const Context& context, int64_t stallMs) {
    Lsn moved = 0;
    MonotonicMs movedAt = SystemClock().monotonic();
    for (;;) {
        const Rows rows = TRY(connection.query(
            "SELECT pg_is_in_recovery(), (SELECT status FROM pg_stat_wal_receiver), pg_last_wal_replay_lsn()",
            context.deadline));
        const Row& row = rows.at(0);
        const Lsn replayed = parseLsn(row.at(2).value_or("")).value_or(0);
        const bool streams = row.at(1) == "streaming";
        if (row.at(0) == "t" && streams && replayed >= position) return {};
        if (streams || replayed != moved) movedAt = SystemClock().monotonic();
        moved = replayed;
        const bool stalled = SystemClock().monotonic() - movedAt > stallMs;
        if (stalled || context.remainingMs() == 0 || context.cancelled())
            return fail(
                ErrorCode::DeadlineExceeded,
                fmt::format("the replica in {} does not stream from {}:{} (receiver: {}, replayed to {})",
                            instance.data(), peer.host, peer.port, row.at(1).value_or("none"), lsnText(replayed)),
                "See the server's log; test-source shows whether the peer can be reached.");
        pause(2);
    }
}

Result<Json> rejoin(const Instance& instance, const Peer& peer, std::string_view slot, const SwitchToken& token,
                    const Context& context) {
    const double start = preciseMs();
    if (followsAlready(instance, peer, slot, context)) {
        auto session = TRY(instance.session(context));
        TRY_VOID(awaitStreaming(instance, *session, peer, token.end + 1, context));
    } else {
        TRY_VOID(stopToFollow(instance, context));
        // Once it has followed the new timeline its control file moves on: then the record says that it was checked.
        if (!begunBefore(instance, token)) TRY_VOID(checkEndsAtToken(instance, token, context));
        TRY_VOID(instance.writeRecord("rejoin", JsonObject{{"end", lsnText(token.end)}}));
        TRY_VOID(instance.putStandbySignal(true));
        TRY_VOID(writeReplicaSettings(instance, peer, slot));
        TRY_VOID(instance.service().unmask(context));
        auto session = TRY(instance.startAndConnect(context));
        TRY_VOID(awaitStreaming(instance, *session, peer, token.end + 1, context));
    }
    const double streaming = preciseMs();
    TRY_VOID(instance.service().unmask(context));
    auto session = TRY(instance.session(context));
    // The peer is the primary now; replicas of this server keep theirs.
    const auto dropped = TRY(dropStaleSlots(instance, *session, {"", Link::slotFor(peer.application)}, context));
    for (const char* record : {quarantineRecord, "rejoin"}) TRY_VOID(instance.removeRecord(record));
    JsonArray names;
    for (const auto& name : dropped) names.emplace_back(name);
    return JsonObject{{"streamingAfterMs", streaming - start}, {"rewound", false}, {"droppedSlots", std::move(names)}};
}

}  // namespace swb::driver::postgresql
