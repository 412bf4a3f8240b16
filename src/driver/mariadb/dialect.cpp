#include "driver/mariadb/dialect.h"

#include <fmt/format.h>

namespace swb::driver::mariadb {

namespace {

// Numbers and names of ours, and values that the definition or the server gave: only the latter need quoting.
std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') result += '\\';
        result += c;
    }
    return result + "'";
}

constexpr ReplicaColumns mariadbColumns = {"Slave_IO_Running",      "Slave_SQL_Running",   "Master_Host",
                                           "Master_Port",           "Last_IO_Error",       "Last_SQL_Error",
                                           "Relay_Master_Log_File", "Exec_Master_Log_Pos", "Master_Log_File",
                                           "Read_Master_Log_Pos",   "SQL_Delay",           "Seconds_Behind_Master"};

constexpr ReplicaColumns mysqlColumns = {"Replica_IO_Running",    "Replica_SQL_Running", "Source_Host",
                                         "Source_Port",           "Last_IO_Error",       "Last_SQL_Error",
                                         "Relay_Source_Log_File", "Exec_Source_Log_Pos", "Source_Log_File",
                                         "Read_Source_Log_Pos",   "SQL_Delay",           "Seconds_Behind_Source"};

class MariadbDialect final : public Dialect {
  public:
    Engine engine() const override { return Engine::mariadb; }
    std::string_view product() const override { return "MariaDB"; }

    std::string_view writtenPosition() const override { return "@@GLOBAL.gtid_binlog_pos"; }
    std::string_view appliedPosition() const override { return "@@GLOBAL.gtid_slave_pos"; }
    std::string_view receivedPosition() const override { return "NULL"; }  // Gtid_IO_Pos of the status
    Result<Relation> relation(std::string_view here, std::string_view there) const override {
        const GtidPosition other = TRY(GtidPosition::parse(there));
        return TRY(GtidPosition::parse(here)).relationTo(other);
    }
    Result<std::string> joined(std::string_view written, std::string_view applied) const override {
        const GtidPosition other = TRY(GtidPosition::parse(applied));
        return TRY(GtidPosition::parse(written)).joinedWith(other).text();
    }
    std::string_view surplusExpression() const override { return "@@GLOBAL.gtid_binlog_state"; }
    Result<std::vector<std::string>> surplus(std::string_view here, std::string_view there) const override {
        const GtidState other = TRY(GtidState::parse(there));
        const auto list = TRY(GtidState::parse(here)).beyond(other);
        std::vector<std::string> words;
        for (const auto& one : list) words.push_back(text(one));
        return words;
    }
    std::string awaitPosition(std::string_view position, int64_t milliseconds) const override {
        return fmt::format("SELECT MASTER_GTID_WAIT({}, {}.{:03})", quoted(position), milliseconds / 1000,
                           milliseconds % 1000);
    }
    Result<std::vector<std::string>> adoptPosition(std::string_view position, std::string_view sourceSurplus,
                                                   int) const override {
        // The log's own state too: as a source this server must know where its log begins, and which servers wrote
        // what is before that; the source would look as if it had written it alone.
        return std::vector<std::string>{
            "RESET MASTER", "SET GLOBAL gtid_slave_pos = " + quoted(position),
            "SET GLOBAL gtid_binlog_state = " + quoted(TRY(logStateAt(sourceSurplus, position)))};
    }

    std::string_view showReplica() const override { return "SHOW ALL SLAVES STATUS"; }
    const ReplicaColumns& columns() const override { return mariadbColumns; }
    Result<bool> hasAppliedAll(const Row& status) const override {
        return status.at(mariadbColumns.appliedFile) == status.at(mariadbColumns.receivedFile) &&
               status.at(mariadbColumns.appliedPosition) == status.at(mariadbColumns.receivedPosition);
    }
    std::string_view showReplicasOf() const override { return "SHOW SLAVE HOSTS"; }
    std::vector<std::string> followSource(const SourceAddress& source, std::string_view end,
                                          int version) const override {
        constexpr int demotesSince = 101000;  // MASTER_DEMOTE_TO_SLAVE
        const bool demotes = version >= demotesSince && !end.empty();
        std::vector<std::string> statements;
        if (!end.empty() && !demotes) statements.push_back("SET GLOBAL gtid_slave_pos = " + quoted(end));
        statements.push_back(fmt::format(
            "CHANGE MASTER TO MASTER_HOST={}, MASTER_PORT={}, MASTER_USER={}, MASTER_PASSWORD='', MASTER_SSL=1, "
            "MASTER_SSL_CA={}, MASTER_SSL_CERT={}, MASTER_SSL_KEY={}, MASTER_SSL_VERIFY_SERVER_CERT=1, "
            "MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=2, MASTER_DELAY=0, MASTER_USE_GTID=slave_pos{}",
            quoted(source.host), source.port, quoted(source.user), quoted(source.authorityFile),
            quoted(source.certificateFile), quoted(source.keyFile), demotes ? ", MASTER_DEMOTE_TO_SLAVE=1" : ""));
        return statements;
    }
    std::string_view startReplica() const override { return "START SLAVE"; }
    std::string_view stopReplica() const override { return "STOP SLAVE"; }
    std::string_view startApplier() const override { return "START SLAVE SQL_THREAD"; }
    std::string_view stopReceiver() const override { return "STOP SLAVE IO_THREAD"; }
    std::string_view forgetSource() const override { return "RESET SLAVE ALL"; }

    std::string_view closeWrites() const override { return "SET GLOBAL read_only = 1"; }
    std::string_view openWrites() const override { return "SET GLOBAL read_only = 0"; }
    std::string_view writesAreClosed() const override { return "@@GLOBAL.read_only"; }
    bool closesForEverybody() const override { return false; }
    std::string_view admitAdministrators() const override { return "DO 0"; }

    std::string_view openAccounts() const override {
        return "SELECT User, Host FROM mysql.global_priv WHERE NOT COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) AND NOT "
               "COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) ORDER BY User, Host";
    }
    std::string_view unboundAccounts() const override {
        // Bits 15 (SUPER) and 33 (READ ONLY ADMIN) of the rights; they may come through roles, and roles of roles.
        return "WITH RECURSIVE holder (User, Host) AS (SELECT User, Host FROM mysql.global_priv WHERE "
               "CAST(JSON_VALUE(Priv, '$.access') AS UNSIGNED) & ((1 << 15) | (1 << 33)) UNION SELECT m.User, m.Host "
               "FROM mysql.roles_mapping m JOIN holder h ON h.Host = '' AND m.Role = h.User) SELECT DISTINCT h.User, "
               "h.Host FROM holder h JOIN mysql.global_priv g ON g.User = h.User AND g.Host = h.Host WHERE NOT "
               "COALESCE(JSON_VALUE(g.Priv, '$.is_role'), 0) ORDER BY 1, 2";
    }
    // Logged, it would be a transaction of a replica's own.
    std::string_view reloadTls() const override { return "FLUSH NO_WRITE_TO_BINLOG SSL"; }
    std::vector<std::pair<std::string, std::string>> options() const override {
        return {{"gtid_strict_mode", "ON"}, {"log_slave_updates", "ON"}, {"slave_net_timeout", "10"}};
    }
};

class MysqlDialect final : public Dialect {
  public:
    Engine engine() const override { return Engine::mysql; }
    std::string_view product() const override { return "MySQL"; }

    std::string_view writtenPosition() const override { return "@@GLOBAL.gtid_executed"; }
    std::string_view appliedPosition() const override { return "@@GLOBAL.gtid_executed"; }
    std::string_view receivedPosition() const override {
        return "(SELECT GROUP_CONCAT(RECEIVED_TRANSACTION_SET) FROM "
               "performance_schema.replication_connection_status)";
    }
    Result<Relation> relation(std::string_view here, std::string_view there) const override {
        const GtidSet other = TRY(GtidSet::parse(there));
        return TRY(GtidSet::parse(here)).relationTo(other);
    }
    Result<std::string> joined(std::string_view written, std::string_view) const override {
        return TRY(GtidSet::parse(written)).text();
    }
    std::string_view surplusExpression() const override { return "@@GLOBAL.gtid_executed"; }
    Result<std::vector<std::string>> surplus(std::string_view here, std::string_view there) const override {
        const GtidSet other = TRY(GtidSet::parse(there));
        const GtidSet rest = TRY(GtidSet::parse(here)).without(other);
        return rest.empty() ? std::vector<std::string>() : std::vector<std::string>{rest.text()};
    }
    std::string awaitPosition(std::string_view position, int64_t milliseconds) const override {
        return fmt::format("SELECT WAIT_FOR_EXECUTED_GTID_SET({}, {}.{:03})", quoted(position), milliseconds / 1000,
                           milliseconds % 1000);
    }
    Result<std::vector<std::string>> adoptPosition(std::string_view position, std::string_view,
                                                   int version) const override {
        constexpr int renamedIn = 80400;
        return std::vector<std::string>{version < renamedIn ? "RESET MASTER" : "RESET BINARY LOGS AND GTIDS",
                                        "SET GLOBAL gtid_purged = " + quoted(position)};
    }

    std::string_view showReplica() const override { return "SHOW REPLICA STATUS"; }
    const ReplicaColumns& columns() const override { return mysqlColumns; }
    // Places in files lag behind where several appliers work; sets of GTIDs do not.
    Result<bool> hasAppliedAll(const Row& status) const override {
        const GtidSet executed = TRY(GtidSet::parse(status.at("Executed_Gtid_Set")));
        return executed.contains(TRY(GtidSet::parse(status.at("Retrieved_Gtid_Set"))));
    }
    std::string_view showReplicasOf() const override { return "SHOW REPLICAS"; }
    std::vector<std::string> followSource(const SourceAddress& source, std::string_view, int) const override {
        return {fmt::format(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST={}, SOURCE_PORT={}, SOURCE_USER={}, SOURCE_PASSWORD='', "
            "SOURCE_SSL=1, SOURCE_SSL_CA={}, SOURCE_SSL_CERT={}, SOURCE_SSL_KEY={}, SOURCE_SSL_VERIFY_SERVER_CERT=1, "
            "SOURCE_CONNECT_RETRY=1, SOURCE_HEARTBEAT_PERIOD=2, SOURCE_DELAY=0, SOURCE_AUTO_POSITION=1",
            quoted(source.host), source.port, quoted(source.user), quoted(source.authorityFile),
            quoted(source.certificateFile), quoted(source.keyFile))};
    }
    std::string_view startReplica() const override { return "START REPLICA"; }
    std::string_view stopReplica() const override { return "STOP REPLICA"; }
    std::string_view startApplier() const override { return "START REPLICA SQL_THREAD"; }
    std::string_view stopReceiver() const override { return "STOP REPLICA IO_THREAD"; }
    std::string_view forgetSource() const override { return "RESET REPLICA ALL"; }

    // super_read_only turns read_only on with it, and off does not turn it off. Not persisted: that would outlive the
    // option file's own line, and a server that was released would come up closed for good.
    std::string_view closeWrites() const override { return "SET GLOBAL super_read_only = 1"; }
    std::string_view openWrites() const override { return "SET GLOBAL super_read_only = 0, GLOBAL read_only = 0"; }
    std::string_view writesAreClosed() const override { return "@@GLOBAL.super_read_only"; }
    bool closesForEverybody() const override { return true; }
    std::string_view admitAdministrators() const override { return "SET GLOBAL super_read_only = 0"; }

    std::string_view openAccounts() const override {
        return "SELECT User, Host FROM mysql.user WHERE account_locked = 'N' ORDER BY User, Host";
    }
    std::string_view unboundAccounts() const override { return "SELECT User, Host FROM mysql.user WHERE 0"; }
    std::string_view reloadTls() const override { return "ALTER INSTANCE RELOAD TLS"; }
    std::vector<std::pair<std::string, std::string>> options() const override {
        return {{"gtid_mode", "ON"},
                {"enforce_gtid_consistency", "ON"},
                {"log_replica_updates", "ON"},
                {"replica_net_timeout", "10"},
                // A relay log that a crash cut off is fetched again: GTIDs tell what is missing.
                {"relay_log_recovery", "ON"},
                {"super_read_only", "ON"}};
    }
};

}  // namespace

const Dialect& Dialect::of(Engine engine) {
    static const MariadbDialect mariadb;
    static const MysqlDialect mysql;
    if (engine == Engine::mysql) return mysql;
    return mariadb;
}

}  // namespace swb::driver::mariadb
