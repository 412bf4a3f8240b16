#include "driver/postgresql/promotion.h"
#include "driver/postgresql/rejoin.h"
#include "driver/postgresql/source.h"
#include "driver/postgresql/synchronous.h"
#include "driver/postgresql/tls.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* switchRecord =
    "switch";  // what endSwitch() puts back: setting -> former value in auto.conf, or null

Result<void> checkReplicaFit(Connection& connection, const Context& context) {
    const Rows rows = TRY(connection.query(
        "SELECT pg_is_in_recovery(), pg_is_wal_replay_paused(), (SELECT count(*) FROM pg_stat_wal_receiver WHERE "
        "status = "
        "'streaming'), current_setting('recovery_min_apply_delay'), current_setting('default_transaction_read_only'), "
        "concat(current_setting('recovery_target'), current_setting('recovery_target_lsn'), "
        "current_setting('recovery_target_name'), current_setting('recovery_target_time'), "
        "current_setting('recovery_target_xid')), current_setting('restore_command')",
        context.deadline));
    const Row& row = rows.at(0);
    const auto refuse = [](std::string message, std::string hint) {
        return fail(ErrorCode::ReplicaNotReady, std::move(message), std::move(hint));
    };
    if (row.at(1) == "t") return refuse("replay is paused on the replica", "SELECT pg_wal_replay_resume();");
    if (row.at(2) == "0")
        return refuse("the replica does not stream from the primary", "See pg_stat_wal_receiver and the server's log.");
    if (row.at(3) != "0")
        return refuse("the replica delays replay by " + row.at(3).value_or(""), "Set recovery_min_apply_delay to 0.");
    if (!row.at(5).value_or("").empty())
        return refuse("the replica has a recovery target", "Remove recovery_target* from its configuration.");
    if (connection.serverVersion() < 140000 && !row.at(6).value_or("").empty())
        return refuse("the replica has a restore_command, which PostgreSQL 13 changes only at a start",
                      "Remove it: it can hold a promotion for minutes when the other site is gone.");
    return {};
}

// The lag from the primary's own position: a replica whose receiver died believes that it has everything.
Result<void> awaitSmallLag(const Instance& instance, Connection& connection, const Peer& peer, int64_t lagBytesMax,
                           const Context& context) {
    constexpr int samplesNeeded = 5;
    constexpr int64_t sampleMs = 30;
    auto primary = TRY(instance.replicationConnection(peer, context.deadline));
    int good = 0;
    for (;;) {
        const PeerIdentity identity = TRY(identifySystem(primary, context.deadline));
        const Rows rows =
            TRY(connection.query("SELECT (SELECT system_identifier FROM pg_control_system()), "
                                 "pg_last_wal_replay_lsn(), (SELECT received_tli "
                                 "FROM pg_stat_wal_receiver)",
                                 context.deadline));
        const Row& row = rows.at(0);
        if (row.at(0) != identity.systemId)
            return fail(ErrorCode::IdentityMismatch, "the replica is a copy of system " + row.at(0).value_or("?") +
                                                         ", the primary is " + identity.systemId);
        const Lsn replayed = parseLsn(row.at(1).value_or("")).value_or(0);
        const int64_t lag = identity.position > replayed ? static_cast<int64_t>(identity.position - replayed) : 0;
        const bool sameTimeline = row.at(2) == std::to_string(identity.timeline);
        good = lag <= lagBytesMax && sameTimeline ? good + 1 : 0;
        if (good == samplesNeeded) return {};
        if (context.remainingMs() < sampleMs || context.cancelled())
            return fail(ErrorCode::ReplicaNotReady,
                        "the replica is " + std::to_string(lag) + " bytes behind (timeline " + row.at(2).value_or("?") +
                            " of " + std::to_string(identity.timeline) + ")",
                        "Wait until it has caught up, or raise the limit.");
        pause(sampleMs);
    }
}

// Milliseconds of a setting as pg_settings gives it in its unit, from text such as "5s" or "100ms" or "20".
int64_t intervalMs(const std::string& text) {
    const int64_t number = std::atoll(text.c_str());
    if (text.find("min") != std::string::npos) return number * 60'000;
    if (text.find("ms") != std::string::npos || text.find('s') == std::string::npos) return number;
    return number * 1000;
}

// What prepareSwitchReplica() lowered.
Result<void> putSettingsBack(const Instance& instance, const Context& context) {
    const Json former = instance.record(switchRecord);
    if (!former.is_object()) return {};
    Settings settings;
    for (const char* name : {"wal_retrieve_retry_interval", "restore_command"}) {
        const Json* value = memberAt(former, name);
        std::optional<std::string> restored;
        if (value && value->is_string()) restored = std::string(value->as_string());
        // A replica of ours never goes back to the server's 5 seconds.
        if (std::string_view(name) == "wal_retrieve_retry_interval" &&
            (!restored || intervalMs(*restored) > intervalMs(std::string(steadyRetryInterval))))
            restored = std::string(steadyRetryInterval);
        settings.emplace_back(name, restored);
    }
    TRY_VOID(changeSettings(instance, settings, context));
    return instance.removeRecord(switchRecord);
}

}  // namespace

Result<void> prepareSwitchSource(const Instance& instance, std::string_view peerSlot, const Context& context) {
    auto session = TRY(instance.session(context));
    const Rows rows =
        TRY(session->query("SELECT pg_is_in_recovery(), (SELECT count(*) FROM pg_prepared_xacts)", context.deadline));
    if (rows.at(0).at(0) == "t")
        return fail(ErrorCode::GuardRefused, "the server is a replica, not the source of a switch");
    if (rows.at(0).at(1) != "0")
        return fail(ErrorCode::PreparedTransactions, *rows.at(0).at(1) + " prepared transactions are open",
                    "Commit or roll them back (pg_prepared_xacts shows them), then try again.");
    TRY(dropStaleSlots(instance, *session, {peerSlot, ""}, context));
    TRY_VOID(instance.removeRecord("rejoin"));
    TRY(session->query("SET statement_timeout = 0", context.deadline));
    // The shutdown checkpoint writes what was dirtied since the last one. When the first took long, much was dirtied
    // meanwhile: a second one makes the stop short.
    for (int round = 0; round < 2; ++round) {
        constexpr double shortMs = 100;
        const double start = preciseMs();
        TRY(session->query("CHECKPOINT", context.deadline));
        if (preciseMs() - start < shortMs) break;
    }
    TRY(session->query("SET statement_timeout = 30000", context.deadline));
    return {};
}

Result<void> prepareSwitchReplica(const Instance& instance, const Peer& peer, int64_t lagBytesMax,
                                  const Context& context) {
    auto session = TRY(instance.session(context));
    if (TRY(session->value("SELECT pg_is_in_recovery()", context.deadline)) != "t")
        return fail(ErrorCode::ReplicaNotReady, "the server is not a replica");
    TRY_VOID(checkReplicaFit(*session, context));
    if (instance.record(switchRecord).is_null()) {
        JsonObject former;
        for (const char* name : {"wal_retrieve_retry_interval", "restore_command"}) {
            const auto value = instance.autoConfSetting(name);
            former[name] = value ? Json(*value) : Json(nullptr);
        }
        TRY_VOID(instance.writeRecord(switchRecord, former));
    }
    Settings lowered = {{"wal_retrieve_retry_interval", std::string(switchRetryInterval)}};
    if (session->serverVersion() >= 140000) lowered.emplace_back("restore_command", "");
    TRY_VOID(changeSettings(instance, lowered, context));
    TRY_VOID(setAsideStandbyNames(instance, *session, context));
    return awaitSmallLag(instance, *session, peer, lagBytesMax, context);
}

Result<void> endSwitch(const Instance& instance, const Context& context) {
    TRY_VOID(putSettingsBack(instance, context));
    return restoreStandbyNames(instance, context);
}

}  // namespace swb::driver::postgresql
