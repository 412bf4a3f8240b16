#include "driver/postgresql/source.h"

#include <algorithm>

#include "base/file.h"
#include "base/ids.h"
#include "driver/postgresql/hba_block.h"
#include "driver/postgresql/rejoin.h"
#include "driver/postgresql/tls.h"
#include "driver/support/files.h"
#include "model/group.h"

namespace swb::driver::postgresql {

namespace {

Result<std::string> hbaFile(Connection& connection, const Context& context) {
    return connection.value("SHOW hba_file", context.deadline);
}

Result<std::string> readHba(const Instance& instance, const std::string& path) {
    const ActAs acting(instance.user());
    return readFile(path);
}

// Writes the block and waits until the server has it: pg_hba_file_rules shows what a reload would read.
Result<void> writeHba(const Instance& instance, Connection& connection, const std::string& path,
                      const std::vector<HbaEntry>& entries, const Context& context) {
    const std::string before = TRY(readHba(instance, path));
    const std::string after = withHbaEntries(before, entries);
    if (after == before) return {};
    TRY_VOID(writeFileAs(instance.user(), path, after, 0640));
    const Rows errors = TRY(connection.query(
        "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL LIMIT 1", context.deadline));
    if (!errors.empty()) {
        // A file that does not parse would leave the server with its old rules, and fail its next start.
        TRY_VOID(writeFileAs(instance.user(), path, before, 0640));
        return fail(ErrorCode::VerificationFailed,
                    path + " line " + errors[0].at(0).value_or("?") + ": " + errors[0].at(1).value_or(""),
                    "Correct pg_hba.conf; our line was taken out again.");
    }
    TRY(connection.query("SELECT pg_reload_conf()", context.deadline));
    return {};
}

Result<void> admitPeer(const Instance& instance, Connection& connection, const Peer& peer, const Context& context) {
    const std::string path = TRY(hbaFile(connection, context));
    auto entries = hbaEntries(TRY(readHba(instance, path)));
    // Besides the stream, an ordinary session for pg_rewind: it reads no more than a base backup may.
    const HbaEntry wanted{
        Link::slotFor(peer.application),
        "hostssl replication,postgres " + std::string(replicationRole) + " " + hbaAddress(peer.host) + " cert"};
    std::erase_if(entries, [&](const HbaEntry& entry) { return entry.slot == wanted.slot; });
    entries.push_back(wanted);
    TRY_VOID(writeHba(instance, connection, path, entries, context));
    const std::string first = TRY(connection.value(
        "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'cert' AND 'swingbridge_repl' = ANY(user_name)",
        context.deadline));
    if (first == "0") return fail(ErrorCode::VerificationFailed, path + " does not show our line");
    return {};
}

// The functions by which pg_rewind reads files of the data directory, and of no other. Grants replicate: the way back
// has them too.
Result<void> admitRewind(Connection& connection, const Context& context) {
    constexpr const char* functions[] = {
        "pg_catalog.pg_ls_dir(text, boolean, boolean)", "pg_catalog.pg_stat_file(text, boolean)",
        "pg_catalog.pg_read_binary_file(text)", "pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)"};
    const std::string role = connection.identifier(replicationRole), name = connection.literal(replicationRole);
    for (const std::string function : functions)
        if (TRY(connection.value("SELECT has_function_privilege(" + name + ", '" + function + "', 'EXECUTE')",
                                 context.deadline)) != "t")
            TRY(connection.query("GRANT EXECUTE ON FUNCTION " + function + " TO " + role, context.deadline));
    if (TRY(connection.value("SELECT has_database_privilege(" + name + ", 'postgres', 'CONNECT')", context.deadline)) !=
        "t")
        TRY(connection.query("GRANT CONNECT ON DATABASE postgres TO " + role, context.deadline));
    return {};
}

Result<void> makeRole(Connection& connection, const Context& context) {
    const std::string role = connection.identifier(replicationRole);
    const std::string exists = TRY(connection.value(
        "SELECT count(*) FROM pg_roles WHERE rolname = " + connection.literal(replicationRole), context.deadline));
    if (exists == "0") TRY(connection.query("CREATE ROLE " + role + " LOGIN REPLICATION", context.deadline));
    const std::string able =
        TRY(connection.value("SELECT rolcanlogin AND rolreplication AND NOT rolsuper FROM pg_roles WHERE rolname = " +
                                 connection.literal(replicationRole),
                             context.deadline));
    if (able != "t") TRY(connection.query("ALTER ROLE " + role + " LOGIN REPLICATION NOSUPERUSER", context.deadline));
    return admitRewind(connection, context);
}

// A dead replica's slot must not fill the disk: half of what is free now, however little that is.
std::string slotBudget(const Instance& instance) {
    constexpr int64_t mebibyte = 1 << 20, leastMebibytes = 64;
    const int64_t half = freeBytes(instance.dataFile("pg_wal")) / 2 / mebibyte;
    return std::to_string(std::max(leastMebibytes, half)) + "MB";
}

// Sets what is too low; answers the names that take effect only at the next start.
Result<JsonArray> raiseSettings(const Instance& instance, Connection& connection, const Context& context) {
    constexpr std::pair<const char*, int> minimums[] = {{"max_wal_senders", 4}, {"max_replication_slots", 4}};
    JsonArray restart;
    Settings changes;
    if (TRY(connection.value("SHOW wal_level", context.deadline)) == "minimal") {
        changes.emplace_back("wal_level", "replica");
        restart.emplace_back("wal_level");
    }
    for (const auto& [name, minimum] : minimums) {
        const std::string value = TRY(connection.value("SHOW " + std::string(name), context.deadline));
        if (std::atoi(value.c_str()) >= minimum) continue;
        changes.emplace_back(name, std::to_string(minimum));
        restart.emplace_back(name);
    }
    if (TRY(connection.value("SHOW hot_standby", context.deadline)) != "on") {
        changes.emplace_back("hot_standby", "on");
        restart.emplace_back("hot_standby");
    }
    if (TRY(connection.value("SHOW max_slot_wal_keep_size", context.deadline)) == "-1")
        changes.emplace_back("max_slot_wal_keep_size", slotBudget(instance));
    if (!changes.empty()) TRY_VOID(changeSettings(instance, changes, context));
    return restart;
}

Result<void> makeSlot(Connection& connection, std::string_view slot, const Context& context) {
    const std::string name(slot);
    const Rows rows = TRY(
        connection.query("SELECT slot_type, coalesce(wal_status, '') FROM pg_replication_slots WHERE slot_name = $1",
                         {name}, context.deadline));
    if (!rows.empty() && rows[0].at(0) != "physical")
        return fail(ErrorCode::AlreadyExists, "the slot " + name + " exists and is not a physical one");
    // A slot whose WAL is gone keeps nothing and can never be used again.
    if (!rows.empty() && rows[0].at(1) == "lost")
        TRY(connection.query("SELECT pg_drop_replication_slot($1)", {name}, context.deadline));
    else if (!rows.empty())
        return {};
    TRY(connection.query("SELECT pg_create_physical_replication_slot($1, true)", {name}, context.deadline));
    return {};
}

Result<void> checkCanBeSource(Connection& connection, const Context& context) {
    const std::string spaces = TRY(connection.value(
        "SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')", context.deadline));
    if (spaces != "0")
        return fail(ErrorCode::Unsupported, "the server has " + spaces + " tablespaces of its own",
                    "Move their tables to the data directory: copies with tablespaces are not supported.");
    const int version = connection.serverVersion();
    if (version < 130000 || version >= 190000)
        return fail(ErrorCode::Unsupported, "the server is PostgreSQL " + std::to_string(version / 10000),
                    "PostgreSQL 13 to 18 are supported.");
    return {};
}

// After a promotion pg_control shows the old timeline until a checkpoint: one is asked for, off the outage path, and
// not waited for. pg_rewind against this server would otherwise find nothing to do.
Result<void> requestCheckpointOfNewTimeline(const Instance& instance, const Context& context) {
    auto session = TRY(instance.session(context));
    const std::string behind =
        TRY(session->value("SELECT (SELECT timeline_id FROM pg_control_checkpoint()) <> ('x' || "
                           "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int",
                           context.deadline));
    if (behind != "t") return {};
    auto connection = TRY(instance.connect("postgres", context));
    TRY_VOID(connection.send("SET statement_timeout = 0; CHECKPOINT"));
    // Closing at once could end the session before it reads the request.
    pause(5);
    return {};
}

}  // namespace

Result<Json> prepareSource(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context) {
    if (!instance.tls().complete())
        return fail(ErrorCode::NotReady, "the server has no certificates of the controller yet",
                    "Install certificates first (database.install-certificates).");
    auto session = TRY(instance.session(context));
    TRY_VOID(checkCanBeSource(*session, context));
    const bool replica = TRY(session->value("SELECT pg_is_in_recovery()", context.deadline)) == "t";
    // The replication role of a replica comes from its own source, like all its data.
    if (replica && !slot.empty() &&
        TRY(session->value(
            "SELECT count(*) FROM pg_roles WHERE rolreplication AND rolname = " + session->literal(replicationRole),
            context.deadline)) == "0")
        return fail(ErrorCode::ReplicaNotReady, "the server is a replica without the role that replicas need",
                    "Prepare its own source first, and let it follow.");
    if (TRY(session->value("SHOW ssl_cert_file", context.deadline)) != instance.tls().file("server.pem") ||
        TRY(session->value("SHOW ssl", context.deadline)) != "on")
        TRY_VOID(changeSettings(instance,
                                {{"ssl_cert_file", instance.tls().file("server.pem")},
                                 {"ssl_key_file", instance.tls().file("server.key")},
                                 {"ssl_ca_file", instance.tls().file("authority.pem")},
                                 {"ssl", "on"}},
                                context));
    if (!replica) TRY_VOID(makeRole(*session, context));
    TRY_VOID(admitPeer(instance, *session, peer, context));
    JsonArray restart = TRY(raiseSettings(instance, *session, context));
    if (!slot.empty()) TRY_VOID(makeSlot(*session, slot, context));
    const Rows rows =
        TRY(session->query("SELECT (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM "
                           "pg_control_checkpoint()), "
                           "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, "
                           "CASE WHEN NOT pg_is_in_recovery() THEN "
                           "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END",
                           context.deadline));
    const Row& row = rows.at(0);
    if (!replica) TRY_VOID(requestCheckpointOfNewTimeline(instance, context));
    return JsonObject{{"systemId", row.at(0).value_or("")},
                      {"timeline", std::atoll(row.at(3) ? row.at(3)->c_str() : row.at(1).value_or("0").c_str())},
                      {"position", row.at(2).value_or("")},
                      {"restartNeeded", std::move(restart)}};
}

Result<std::vector<std::string>> dropStaleSlots(const Instance& instance, Connection& connection,
                                                const StaleSlots& which, const Context& context) {
    const auto admitted = hbaEntries(TRY(readHba(instance, TRY(hbaFile(connection, context)))));
    const Rows rows = TRY(
        connection.query("SELECT slot_name FROM pg_replication_slots WHERE NOT active AND slot_type = 'physical' AND "
                         "left(slot_name::text, length($1)) = $1",
                         {std::string(slotPrefix)}, context.deadline));
    std::vector<std::string> dropped;
    for (const Row& row : rows) {
        const std::string slot = row.at(0).value_or("");
        const bool isAdmitted =
            std::any_of(admitted.begin(), admitted.end(), [&](const HbaEntry& entry) { return entry.slot == slot; });
        if (slot == which.keep || (isAdmitted && slot != which.former)) continue;
        // It may have come into use meanwhile: then it is not stale.
        if (connection.query("SELECT pg_drop_replication_slot($1)", {slot}, context.deadline)) dropped.push_back(slot);
    }
    return dropped;
}

Result<Json> testSource(const Instance& instance, const Peer& peer, const Context& context) {
    const PeerIdentity identity = TRY(identifyPeer(instance, peer, context.deadline));
    return JsonObject{
        {"systemId", identity.systemId}, {"timeline", identity.timeline}, {"position", lsnText(identity.position)}};
}

Result<Json> releaseSource(const Instance& instance, const std::vector<std::string>& slots, const Context& context) {
    auto session = TRY(instance.session(context));
    const std::string path = TRY(hbaFile(*session, context));
    auto entries = hbaEntries(TRY(readHba(instance, path)));
    std::erase_if(entries, [&](const HbaEntry& entry) {
        return std::find(slots.begin(), slots.end(), entry.slot) != slots.end();
    });
    TRY_VOID(writeHba(instance, *session, path, entries, context));
    JsonArray dropped;
    for (const std::string& slot : slots) {
        if (slot.rfind(slotPrefix, 0) != 0)
            return fail(ErrorCode::InvalidInput, "the slot " + slot + " is not one of Swingbridge's");
        // The receiver reconnects as long as the hba line was there: the reload may not have reached everyone yet.
        for (;;) {
            const Rows rows = TRY(session->query(
                "SELECT active, pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1",
                {slot}, context.deadline));
            if (rows.empty()) break;
            if (rows[0].at(0) == "f" &&
                session->query("SELECT pg_drop_replication_slot($1)", {slot}, context.deadline)) {
                dropped.emplace_back(slot);
                break;
            }
            if (context.remainingMs() == 0) return fail(ErrorCode::InUse, "the slot " + slot + " is still in use");
            pause(10);
        }
    }
    if (entries.empty()) TRY_VOID(restoreFormerTls(instance, context));
    return JsonObject{{"dropped", std::move(dropped)}};
}

}  // namespace swb::driver::postgresql
