#include "driver/mariadb/facts.h"

#include <cstdlib>

#include "driver/mariadb/accounts.h"
#include "driver/mariadb/fence.h"
#include "driver/mariadb/promotion.h"
#include "driver/mariadb/source.h"
#include "driver/mariadb/switch_preparation.h"
#include "driver/support/common_facts.h"
#include "driver/support/files.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* variableNames =
    "'log_bin', 'binlog_format', 'gtid_strict_mode', 'sync_binlog', 'innodb_flush_log_at_trx_commit', 'server_id', "
    "'log_slave_updates', 'log_replica_updates', 'read_only', 'super_read_only', 'event_scheduler', 'max_connections', "
    "'character_set_server', 'collation_server', 'lower_case_table_names', 'innodb_page_size', 'sql_mode', "
    "'binlog_expire_logs_seconds', 'slave_net_timeout', 'replica_net_timeout', 'gtid_domain_id', 'report_host', "
    "'have_ssl', "
    "'slave_parallel_threads', 'replica_parallel_workers', 'rpl_semi_sync_master_enabled', 'gtid_mode', "
    "'enforce_gtid_consistency', 'innodb_read_only', 'time_zone'";

JsonObject nothingKnown(const DatabaseSpec& spec) {
    return emptyFacts(spec, {"gtidDomain", "serverId", "errantGtids", "readOnlyAdmins", "eventsEnabled", "usingGtid",
                             "applierError", "receiverError", "lagBytes", "lagSeconds", "databases",
                             "nonTransactionalTables", "log", "appliedLog", "binlogState"});
}

Json numberOrNull(const Row& row, std::string_view name) {
    return row.isNull(name) ? Json(nullptr) : Json(std::atoll(row.at(name).c_str()));
}

Json textOrNull(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

std::string roleOf(const Instance& instance, const ServerState& state) {
    if (state.replica) return "replica";
    // Cut off between forgetting its source and opening: not a primary yet.
    if (state.writesClosed && instance.record(promotionRecord).is_object()) return "replica";
    return "primary";
}

void addReplication(const Dialect& dialect, const ServerState& state, JsonObject& facts) {
    if (!state.replica) return;
    const ReplicaColumns& columns = dialect.columns();
    const std::string &receiver = state.status.at(columns.receiver), &delay = state.status.at(columns.delaySeconds);
    const bool applying = state.applying(dialect);
    facts["receiverStatus"] = state.receiving(dialect) && applying ? "streaming"
                              : receiver == "Connecting"           ? "connecting"
                              : receiver == "Yes"                  ? "receiving"
                                                                   : "stopped";
    facts["replayPaused"] = !applying || (!delay.empty() && delay != "0");
    facts["primaryHost"] = state.status.at(columns.host);
    facts["primaryPort"] = std::atoll(state.status.at(columns.port).c_str());
    facts["receivedPosition"] = textOrNull(dialect.engine() == Engine::mysql ? state.status.at("Retrieved_Gtid_Set")
                                                                             : state.status.at("Gtid_IO_Pos"));
    facts["appliedLog"] = JsonObject{{"file", state.status.at(columns.appliedFile)},
                                     {"position", std::atoll(state.status.at(columns.appliedPosition).c_str())}};
    facts["usingGtid"] = dialect.engine() == Engine::mysql ? state.status.at("Auto_Position") == "1"
                                                           : state.status.at("Using_Gtid") == "Slave_Pos";
    facts["receiverError"] = textOrNull(state.status.at(columns.receiverError));
    facts["applierError"] = textOrNull(state.status.at(columns.applierError));
    // The server's own figure knows nothing while nothing is received.
    if (state.receiving(dialect) && applying) facts["lagSeconds"] = numberOrNull(state.status, columns.behindSeconds);
}

// Where the log ends, and how large its newest files are: what tells bytes between two places of it.
void addLog(const Dialect& dialect, Connection& connection, JsonObject& facts, const Context& context) {
    constexpr size_t filesMax = 128;
    const auto surplus = connection.value("SELECT " + std::string(dialect.surplusExpression()), context.deadline);
    if (surplus) facts["binlogState"] = *surplus;
    const auto logs = connection.query("SHOW BINARY LOGS", context.deadline);
    if (!logs || logs->empty()) return;
    JsonArray sizes;
    for (size_t i = logs->size() > filesMax ? logs->size() - filesMax : 0; i < logs->size(); ++i)
        sizes.push_back(std::atoll((*logs)[i].at("File_size").c_str()));
    const Json position = sizes.back();
    facts["log"] =
        JsonObject{{"file", logs->back().at("Log_name")}, {"position", position}, {"sizes", std::move(sizes)}};
}

// Who registered, and whether everything was sent to them. Which stream is whose the server does not tell: with several
// replicas only "all of them have everything" is known.
void addReplicas(const Dialect& dialect, Connection& connection, JsonObject& facts, const Context& context) {
    const auto hosts = connection.query(std::string(dialect.showReplicasOf()), context.deadline);
    const auto streams = connection.query(
        "SELECT STATE FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'", context.deadline);
    if (!hosts || !streams) return;
    size_t complete = 0;
    for (const auto& stream : *streams) complete += stream.first().find("has sent all") != std::string::npos;
    const bool all = complete == streams->size();
    JsonArray replicas;
    for (const auto& host : *hosts)
        replicas.push_back(JsonObject{{"application", host.at("Host")},
                                      {"state", "streaming"},
                                      {"serverId", numberOrNull(host, "Server_id")},
                                      {"sentPosition", all ? facts["position"] : Json(nullptr)},
                                      {"replayPosition", nullptr},
                                      {"lagBytes", all ? Json(0) : Json(nullptr)},
                                      {"lagSeconds", all ? Json(0) : Json(nullptr)},
                                      {"syncState", "async"}});
    facts["replicas"] = std::move(replicas);
}

void addSettings(Connection& connection, JsonObject& facts, const Context& context) {
    const auto rows = connection.query(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN (" + std::string(variableNames) + ")", context.deadline);
    if (!rows) return;
    JsonObject settings;
    for (const auto& row : *rows) settings[row.at("Variable_name")] = row.at("Value");
    facts["maxConnections"] = std::atoll(textAt(settings, "max_connections").c_str());
    facts["gtidDomain"] = settings.contains("gtid_domain_id")
                              ? Json(std::atoll(textAt(settings, "gtid_domain_id").c_str()))
                              : Json(nullptr);
    facts["eventsEnabled"] = textAt(settings, "event_scheduler") == "ON";
    facts["receiverSlot"] = textOrNull(textAt(settings, "report_host"));
    facts["settings"] = std::move(settings);
}

void addActivity(const Instance& instance, Connection& connection, JsonObject& facts, const Context& context) {
    const auto rows = connection.query(
        "SELECT (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER NOT IN ('system user', "
        "'event_scheduler')) AS connections, (SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, SYSDATE())), 0) "
        "FROM "
        "information_schema.INNODB_TRX) AS longest, VERSION() AS version",
        context.deadline);
    if (!rows || rows->empty()) return;
    const Row& row = rows->front();
    facts["connections"] = numberOrNull(row, "connections");
    facts["longestTransactionSeconds"] = numberOrNull(row, "longest");
    const std::string& version = row.at("version");
    facts["version"] = version.substr(0, version.find('-'));
    // 10.11 is one major version, as are 11.4 and 8.0.
    facts["majorVersion"] = connection.serverVersion() / 100;
    if (const auto prepared = connection.query("XA RECOVER", context.deadline))
        facts["preparedTransactions"] = prepared->size();
    if (const auto unbound = unboundAccounts(instance, connection, context)) {
        JsonArray names;
        for (const auto& name : *unbound) names.emplace_back(name);
        facts["readOnlyAdmins"] = std::move(names);
    }
}

void addPeer(const Instance& instance, const Peer& peer, Connection* own, const ServerState* state, JsonObject& facts,
             const Context& context) {
    constexpr int64_t peerMs = 3000;
    const Dialect& dialect = instance.dialect();
    const MonotonicMs deadline = within(context, peerMs);
    // Ours first: what the peer has later than that is not missing there.
    const auto surplus = own ? own->value("SELECT " + std::string(dialect.surplusExpression()), context.deadline)
                             : Result<std::string>(std::string());
    const auto identity = identifyPeer(instance, peer, deadline);
    facts["canConnectToPeer"] = identity.has_value();
    if (!identity) {
        facts["peerError"] = describe(identity.error());
        return;
    }
    facts["peerSystemId"] = identity->identity;
    facts["peerServerId"] = identity->serverId;
    facts["peerPosition"] = identity->position;
    if (!state || !state->replica || !surplus) return;
    auto source = instance.peerConnection(peer, deadline);
    if (!source) return;
    if (const auto errant = surplusOver(dialect, *surplus, *source, deadline)) {
        JsonArray list;
        for (const auto& gtid : *errant) list.emplace_back(gtid);
        facts["errantGtids"] = std::move(list);
    }
    if (const auto behind = bytesBehind(instance, *source, state->status, deadline); behind && *behind >= 0)
        facts["lagBytes"] = *behind;
}

Result<ServerState> addServerFacts(const Instance& instance, Connection& connection, SlowFacts& slow, JsonObject& facts,
                                   const Context& context) {
    const Dialect& dialect = instance.dialect();
    const ServerState state = TRY(readState(instance, connection, context));
    facts["reachable"] = true;
    facts["role"] = roleOf(instance, state);
    facts["fenced"] = TRY(isFenced(instance, state, connection, context));
    facts["writable"] = !state.replica && !state.writesClosed;
    facts["systemId"] = state.identity;
    facts["serverId"] = state.serverId;
    facts["position"] = state.position;
    if (!state.serverUuid.empty()) facts["serverUuid"] = state.serverUuid;
    if (!state.replica) facts["replayPaused"] = false;
    addSettings(connection, facts, context);
    addReplication(dialect, state, facts);
    addLog(dialect, connection, facts, context);
    addReplicas(dialect, connection, facts, context);
    addActivity(instance, connection, facts, context);
    const JsonObject rare = slow.of(instance, connection, context);
    for (const auto& fact : rare) facts[fact.key()] = fact.value();
    return state;
}

JsonObject readSlow(const Instance& instance, Connection& connection, const Context& context) {
    JsonObject facts;
    facts["dataBytes"] = treeBytes(instance.data());
    const auto rows = connection.query(
        "SELECT TABLE_SCHEMA AS name, CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS UNSIGNED) AS bytes, "
        "SUM(ENGINE NOT IN ('InnoDB')) AS others FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND "
        "TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'swingbridge') GROUP BY 1",
        context.deadline);
    if (rows) {
        JsonArray databases;
        int64_t others = 0;
        for (const auto& row : *rows) {
            databases.push_back(JsonObject{{"name", row.at("name")}, {"bytes", numberOrNull(row, "bytes")}});
            others += std::atoll(row.at("others").c_str());
        }
        facts["databases"] = std::move(databases);
        facts["nonTransactionalTables"] = others;
    }
    return facts;
}

}  // namespace

JsonObject SlowFacts::of(const Instance& instance, Connection& connection, const Context& context) {
    return kept_.of(instance.data(), [&] { return readSlow(instance, connection, context); });
}

Json inspectInstance(const Instance& instance, const Peer* peer, SlowFacts& slow, const Context& context) {
    JsonObject facts = nothingKnown(instance.spec());
    facts["diskFreeBytes"] = freeBytes(instance.data());
    facts["masked"] = instance.service().isMasked(context);
    facts["running"] = instance.server().has_value();
    facts["certificate"] = instance.tls().validity();
    facts["seededAt"] = instance.seededAt();
    facts["fenced"] = !booleanAt(facts, "running");
    std::optional<Session> session;
    std::optional<ServerState> state;
    if (!instance.hasData() || !booleanAt(facts, "running")) {
        facts["role"] = "stopped";
        if (!instance.hasData()) facts["error"] = "there is no database in " + instance.data();
    } else if (auto opened = instance.session(context); !opened) {
        facts["error"] = describe(opened.error());
    } else {
        session.emplace(std::move(*opened));
        const auto read = addServerFacts(instance, **session, slow, facts, context);
        if (read)
            state = *read;
        else
            facts["error"] = describe(read.error());
    }
    if (peer) addPeer(instance, *peer, session ? &**session : nullptr, state ? &*state : nullptr, facts, context);
    return facts;
}

Json factsOfNothing(const DatabaseSpec& spec, const Error& error) {
    return driver::factsOfNothing(nothingKnown(spec), error);
}

}  // namespace swb::driver::mariadb
