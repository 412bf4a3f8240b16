// MariaDB and MySQL: replication by GTID, where a copy may have transactions of its own without anybody noticing.
#include "plan/engine_checks.h"

namespace swb::plan {
namespace {

std::string textOf(const Json& facts, std::string_view name) {
    const Json* settings = memberAt(facts, "settings");
    return settings ? textAt(*settings, name) : "";
}

bool isOn(const Json& facts, std::string_view name) {
    const std::string text = textOf(facts, name);
    return text == "ON" || text == "1";
}

std::string joinedNames(const Json& facts, std::string_view key) {
    std::string out;
    if (const Json* list = memberAt(facts, key); list && list->is_array())
        for (const Json& name : list->get_array())
            if (name.is_string()) out += (out.empty() ? "" : ", ") + std::string(name.get_string());
    return out;
}

void checkSame(CheckList& list, const char* check, const char* name, const std::string& subject, const Json& source,
               const Json& target, const char* hint) {
    const std::string here = textOf(source, name), there = textOf(target, name);
    list.refuseUnless(here == there, check, subject, std::string(name) + " is " + here + " at both sites",
                      std::string(name) + " is " + here + " at the source and " + there + " at the target", hint);
}

void fit(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    if (integerAt(target, "majorVersion")) checkMajorVersion(list, subject, source, target);
    if (!booleanAt(target, "reachable")) return;
    checkSame(list, "table-names", "lower_case_table_names", subject, source, target,
              "table names would be found at one site and not at the other: set it alike before there is data");
    checkSame(list, "collation", "collation_server", subject, source, target,
              "new tables would compare text differently: set it alike");
}

void checkBinaryLog(CheckList& list, const std::string& subject, const Json& source) {
    list.refuseUnless(isOn(source, "log_bin"), "binary-log", subject, "the binary log is on", "the binary log is off",
                      "set log_bin and restart it at a quiet time");
    const std::string format = textOf(source, "binlog_format");
    list.refuseUnless(format == "ROW", "binlog-format", subject, "the binary log has rows",
                      "binlog_format is " + format, "set binlog_format = ROW: statements may do something else there");
}

// The driver sets what is missing for replication; the log itself begins with a restart.
void source(CheckList& list, const std::string& subject, const Json& source, bool isLinked) {
    list.warnUnless(isLinked || (isOn(source, "log_bin") && isOn(source, "log_slave_updates")), "binary-log", subject,
                    "the binary log is on", "log_bin or log_slave_updates is off: the source will be restarted once",
                    "set both and restart it at a quiet time, or let it be restarted now");
}

void replica(CheckList& list, const std::string& subject, const Json& source, const Json& replica) {
    list.refuseUnless(integerAt(source, "serverId") != integerAt(replica, "serverId"), "server-id", subject,
                      "the server ids differ",
                      "both servers have the server_id " + std::to_string(integerAt(source, "serverId")),
                      "give one of them another server_id: equal ones drop each other's transactions");
    const std::string errant = joinedNames(replica, "errantGtids");
    list.refuseUnless(errant.empty(), "errant-transactions", subject, "the replica has no transactions of its own",
                      "the replica has transactions that the source lacks: " + errant,
                      "it was written to: look at them (mariadb-binlog), then `swing replication resync`");
}

void leaving(CheckList& list, const std::string& subject, const Json& source) {
    const std::string admins = joinedNames(source, "readOnlyAdmins");
    list.warnUnless(admins.empty(), "read-only-admins", subject, "no account of the application may write to a replica",
                    "these accounts may write although the server is read only: " + admins,
                    "take READ_ONLY ADMIN and SUPER from them: GRANT on the application's own schema is enough");
    const bool durable =
        textOf(source, "sync_binlog") == "1" && textOf(source, "innodb_flush_log_at_trx_commit") == "1";
    list.warnUnless(durable, "durability", subject, "every commit is on disk",
                    "sync_binlog and innodb_flush_log_at_trx_commit are not both 1",
                    "a crash may lose transactions that the replica has: set both to 1");
    const int64_t others = integerAt(source, "nonTransactionalTables");
    list.warnUnless(others == 0, "table-engines", subject, "every table is transactional",
                    std::to_string(others) + " tables are not transactional (MyISAM, Aria, MEMORY)",
                    "a statement that is cut off leaves half of its rows: ALTER TABLE … ENGINE=InnoDB");
}

void taking(CheckList& list, const std::string& subject, const Json&, const Json& replica) {
    checkBinaryLog(list, subject, replica);
    list.refuseUnless(isOn(replica, "log_slave_updates"), "log-replica-updates", subject,
                      "the replica logs what it replicates", "log_slave_updates is off at the replica",
                      "without it nobody can follow it after the promotion: set it and restart it");
}

}  // namespace

const EngineChecks& mariadbChecks() {
    static constexpr EngineChecks checks{fit, source, replica, leaving, taking};
    return checks;
}

}  // namespace swb::plan
