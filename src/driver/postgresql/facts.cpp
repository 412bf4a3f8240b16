#include "driver/postgresql/facts.h"

#include <charconv>

#include "driver/postgresql/divergence.h"
#include "driver/postgresql/synchronous.h"
#include "driver/postgresql/wal_record.h"
#include "driver/support/common_facts.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

// One row, one JSON document. {collation} and {actual} differ by version.
constexpr std::string_view quickFacts = R"sql(
WITH state AS (SELECT pg_is_in_recovery() AS recovery), here AS (
  SELECT CASE WHEN recovery THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS position FROM state)
SELECT json_build_object(
  'version', split_part(current_setting('server_version'), ' ', 1),
  'versionNumber', current_setting('server_version_num')::int,
  'inRecovery', (SELECT recovery FROM state),
  'systemId', (SELECT system_identifier::text FROM pg_control_system()),
  'controlTimeline', (SELECT timeline_id FROM pg_control_checkpoint()),
  'walFile', (SELECT CASE WHEN NOT recovery THEN pg_walfile_name(pg_current_wal_insert_lsn()) END FROM state),
  'position', (SELECT position FROM here),
  'receivedPosition', pg_last_wal_receive_lsn(),
  'replayPaused', (SELECT CASE WHEN recovery THEN pg_is_wal_replay_paused() ELSE false END FROM state),
  'receiver', (SELECT json_build_object('status', status, 'slot', slot_name, 'timeline', received_tli,
      'host', sender_host, 'port', sender_port) FROM pg_stat_wal_receiver),
  'replicas', (SELECT coalesce(json_agg(json_build_object('application', application_name, 'state', state,
      'sentPosition', sent_lsn, 'replayPosition', replay_lsn,
      'lagBytes', greatest(0, pg_wal_lsn_diff((SELECT position FROM here), replay_lsn)),
      'lagSeconds', coalesce(extract(epoch FROM replay_lag), 0), 'syncState', sync_state,
      'unconfirmedBytes', greatest(0, pg_wal_lsn_diff((SELECT position FROM here), flush_lsn)))), '[]')
      FROM pg_stat_replication WHERE state <> 'backup'),
  'slots', (SELECT coalesce(json_agg(json_build_object('name', slot_name, 'active', active,
      'restartPosition', restart_lsn, 'type', slot_type, 'walStatus', wal_status, 'failover', {failover},
      'retainedBytes', greatest(0, pg_wal_lsn_diff((SELECT position FROM here), restart_lsn)))), '[]')
      FROM pg_replication_slots),
  'waitingCommits', (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'),
  'recoveryTarget', concat(current_setting('recovery_target'), current_setting('recovery_target_lsn'),
      current_setting('recovery_target_name'), current_setting('recovery_target_time'),
      current_setting('recovery_target_xid')),
  'preparedTransactions', (SELECT count(*) FROM pg_prepared_xacts),
  'longestTransactionSeconds', (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
      FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'),
  'baseBackupRunning', EXISTS (SELECT FROM pg_stat_progress_basebackup),
  'connections', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
  'maxConnections', current_setting('max_connections')::int,
  'settings', (SELECT json_object_agg(name, current_setting(name, true)) FROM unnest(ARRAY['wal_level',
      'max_wal_senders', 'max_replication_slots', 'max_connections', 'max_worker_processes',
      'max_prepared_transactions', 'max_locks_per_transaction', 'wal_log_hints', 'wal_retrieve_retry_interval',
      'archive_mode', 'archive_command', 'archive_library', 'synchronous_standby_names', 'hot_standby', 'restore_command', 'recovery_min_apply_delay',
      'max_slot_wal_keep_size', 'wal_sender_timeout', 'ssl', 'listen_addresses', 'fsync', 'full_page_writes',
      'primary_slot_name', 'data_checksums']) AS name),
  'collations', (SELECT json_agg(json_build_object('name', datname, 'allowConnections', datallowconn,
      'collate', datcollate, 'collationVersion', {collation}, 'actualCollationVersion', {actual}) ORDER BY datname)
      FROM pg_database WHERE datname <> 'template0'))
)sql";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), with);
    return text;
}

std::string quickFactsFor(int version) {
    // Collation versions of whole databases came with 15.
    const bool versions = version >= 150000;
    std::string text = replaced(std::string(quickFacts), "{collation}", versions ? "datcollversion" : "NULL::text");
    text = replaced(text, "{actual}", versions ? "pg_database_collation_actual_version(oid)" : "NULL::text");
    // Logical slots that a standby keeps in step came with 17.
    return replaced(text, "{failover}", version >= 170000 ? "failover" : "false");
}

uint32_t timelineOfFile(std::string_view file) {
    uint32_t timeline = 0;
    std::from_chars(file.data(), file.data() + std::min<size_t>(8, file.size()), timeline, 16);
    return timeline;
}

JsonObject nothingKnown(const DatabaseSpec& spec) {
    JsonObject facts = emptyFacts(spec, {"baseBackupRunning", "dataChecksums", "databases", "extensions",
                                         "unloggedTables", "logicalSlots", "archiveBacklog", "onlyHere", "synchronous",
                                         "recoveryTarget", "missingExtensions", "collationMismatches"});
    facts["slots"] = JsonArray{};
    return facts;
}

void addFileFacts(const Instance& instance, JsonObject& facts, const Context& context) {
    facts["diskFreeBytes"] = freeBytes(instance.data());
    auto version = instance.readDataFile("PG_VERSION").value_or("");
    int major = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    if (major > 0) facts["majorVersion"] = major;
    facts["masked"] = instance.service().isMasked(context);
    facts["standbySignal"] = instance.standbySignal();
}

void addControlFacts(const Instance& instance, JsonObject& facts) {
    const auto control = instance.control();
    if (!control) {
        facts["error"] = describe(control.error());
        return;
    }
    facts["systemId"] = std::to_string(control->systemId);
    facts["timeline"] = control->timeline;
    facts["controlState"] = nameOf(control->state);
    facts["dataChecksums"] = control->checksumVersion != 0;
    facts["position"] = lsnText(control->checkpoint);
    if (control->state == ControlState::shutDown)
        if (const auto end = endOfShutdownCheckpoint(instance.data(), *control)) facts["position"] = lsnText(*end);
    facts["settings"] = JsonObject{{"max_connections", std::to_string(control->maxConnections)},
                                   {"max_worker_processes", std::to_string(control->maxWorkerProcesses)},
                                   {"max_wal_senders", std::to_string(control->maxWalSenders)},
                                   {"max_prepared_transactions", std::to_string(control->maxPreparedTransactions)},
                                   {"max_locks_per_transaction", std::to_string(control->maxLocksPerTransaction)},
                                   {"wal_log_hints", control->walLogHints ? "on" : "off"}};
}

void addReceiver(const Json& quick, JsonObject& facts) {
    const Json* receiver = memberAt(quick, "receiver");
    if (!receiver || !receiver->is_object()) return;
    for (const auto& [from, to] : {std::pair{"status", "receiverStatus"},
                                   {"slot", "receiverSlot"},
                                   {"host", "primaryHost"},
                                   {"port", "primaryPort"}})
        if (const Json* value = memberAt(*receiver, from)) facts[to] = *value;
}

// timeline: what is written, or received, now. pg_control lags behind both until a checkpoint.
int64_t timelineNow(const Json& quick, bool recovery) {
    const int64_t control = integerAt(quick, "controlTimeline");
    if (!recovery) return timelineOfFile(textAt(quick, "walFile"));
    const Json* receiver = memberAt(quick, "receiver");
    return receiver && receiver->is_object() ? std::max(control, integerAt(*receiver, "timeline")) : control;
}

void addQuickFacts(const Json& quick, JsonObject& facts) {
    const bool recovery = booleanAt(quick, "inRecovery");
    facts["role"] = recovery ? "replica" : "primary";
    facts["majorVersion"] = integerAt(quick, "versionNumber") / 10000;
    for (const char* name : {"version", "systemId", "position", "receivedPosition", "replayPaused", "replicas", "slots",
                             "preparedTransactions", "longestTransactionSeconds", "baseBackupRunning", "connections",
                             "maxConnections", "settings", "recoveryTarget"})
        if (const Json* value = memberAt(quick, name)) facts[name] = *value;
    facts["timeline"] = timelineNow(quick, recovery);
    if (const Json* settings = memberAt(quick, "settings"))
        facts["dataChecksums"] = textAt(*settings, "data_checksums") == "on";
    int64_t logical = 0;
    for (const auto& slot : facts["slots"].as_array())
        logical += textAt(slot, "type") == "logical" && !booleanAt(slot, "failover");
    facts["logicalSlots"] = logical;
    addReceiver(quick, facts);
}

// The databases' collations are quick, their sizes are slow: one list in the answer.
void addDatabases(const Json& quick, const JsonObject& slow, JsonObject& facts) {
    const Json* collations = memberAt(quick, "collations");
    if (!collations || !collations->is_array()) return;
    JsonArray databases = collations->as_array();
    const auto sizes = slow.find("sizes");
    for (auto& database : databases) {
        const std::string name = textAt(database, "name");
        database.as_object()["bytes"] =
            sizes != slow.end() && sizes->value().is_object() && sizes->value().as_object().contains(name)
                ? sizes->value().as_object().at(name)
                : Json(nullptr);
    }
    facts["databases"] = std::move(databases);
}

// What this server has and the peer's history has not; commits are counted when that is quick.
void addOnlyHere(const Instance& instance, const Peer& peer, JsonObject& facts, const Context& context) {
    constexpr int64_t countMs = 2000;
    const Context counting = withDeadline(context, within(context, countMs));
    const auto fork =
        instance.hasData() ? forkFrom(instance, peer, counting) : Result<std::optional<Fork>>(std::optional<Fork>());
    if (!fork || !*fork) return;
    const auto found = readOnlyHere(instance, **fork, counting);
    if (found && found->any()) {
        facts["onlyHere"] = reportOf(instance, *found, counting);
    } else if (!found) {
        facts["onlyHere"] = JsonObject{{"timeline", (*fork)->timeline},
                                       {"since", lsnText((*fork)->position)},
                                       {"commits", nullptr},
                                       {"sentence", "more than could be counted in a moment"},
                                       {"complete", false}};
    }
}

void addPeer(const Instance& instance, const Peer& peer, JsonObject& facts, const Context& context) {
    constexpr int64_t peerMs = 3000;
    const auto identity = identifyPeer(instance, peer, within(context, peerMs));
    facts["canConnectToPeer"] = identity.has_value();
    if (!identity) {
        facts["peerError"] = describe(identity.error());
        return;
    }
    facts["peerSystemId"] = identity->systemId;
    facts["peerTimeline"] = identity->timeline;
    facts["peerPosition"] = lsnText(identity->position);
    addOnlyHere(instance, peer, facts, context);
}

// Which extensions a database that is not a replica yet could have: for the comparison before its first seed.
void addAvailableExtensions(Connection& connection, JsonObject& facts, const Context& context) {
    const auto text = connection.value("SELECT json_object_agg(name, default_version) FROM pg_available_extensions",
                                       context.deadline);
    if (const auto parsed = parseJson(text.value_or("null")); parsed && parsed->is_object())
        facts["availableExtensions"] = *parsed;
}

}  // namespace

Result<PeerIdentity> identifySystem(Connection& replication, MonotonicMs deadline) {
    const Rows rows = TRY(replication.query("IDENTIFY_SYSTEM", deadline));
    if (rows.size() != 1 || rows[0].size() < 3)
        return fail(ErrorCode::ProtocolViolation, "the peer does not answer IDENTIFY_SYSTEM as PostgreSQL does");
    PeerIdentity identity;
    identity.systemId = rows[0][0].value_or("");
    const std::string timeline = rows[0][1].value_or("");
    std::from_chars(timeline.data(), timeline.data() + timeline.size(), identity.timeline);
    identity.position = parseLsn(rows[0][2].value_or("")).value_or(0);
    return identity;
}

Result<PeerIdentity> identifyPeer(const Instance& instance, const Peer& peer, MonotonicMs deadline) {
    auto connection = TRY(instance.replicationConnection(peer, deadline));
    return identifySystem(connection, deadline);
}

Json inspectInstance(const Instance& instance, const Peer* peer, SlowFacts& slow, const Context& context) {
    JsonObject facts = nothingKnown(instance.spec());
    addFileFacts(instance, facts, context);
    facts["running"] = instance.postmaster().has_value();
    facts["certificate"] = instance.tls().validity();
    facts["seededAt"] = instance.seededAt();
    facts["fenced"] = !booleanAt(facts, "running");
    if (!instance.hasData()) {
        facts["role"] = "stopped";
        facts["error"] = "there is no database in " + instance.data();
    } else if (!booleanAt(facts, "running")) {
        facts["role"] = "stopped";
        addControlFacts(instance, facts);
    } else if (auto session = instance.session(context); !session) {
        addControlFacts(instance, facts);
        facts["error"] = describe(session.error());
    } else {
        const auto text = (*session)->value(quickFactsFor((*session)->serverVersion()), context.deadline);
        const auto quick = text ? parseJson(*text) : Result<Json>(fail(text.error()));
        if (quick) {
            facts["reachable"] = true;
            addQuickFacts(*quick, facts);
            const JsonObject rare = slow.of(instance, **session, context);
            addDatabases(*quick, rare, facts);
            for (const char* name : {"archiveBacklog", "dataBytes", "extensions", "missingExtensions",
                                     "collationMismatches", "unloggedTables", "unloggedNames", "largeObjects"})
                if (rare.contains(name)) facts[name] = rare.at(name);
            facts["synchronous"] = synchronousFacts(instance, *quick);
            if (peer) addAvailableExtensions(**session, facts, context);
        } else {
            facts["error"] = describe(quick.error());
        }
    }
    if (peer) addPeer(instance, *peer, facts, context);
    return facts;
}

Json factsOfNothing(const DatabaseSpec& spec, const Error& error) {
    return driver::factsOfNothing(nothingKnown(spec), error);
}

}  // namespace swb::driver::postgresql
