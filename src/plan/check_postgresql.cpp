// PostgreSQL: physical replication wants the same version, architecture, collations and at least the same parameters.
#include "plan/engine_checks.h"

namespace swb::plan {
namespace {

std::string number(int64_t value) {
    return std::to_string(value);
}

void checkArchitecture(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    list.refuseUnless(textAt(source, "architecture") == textAt(target, "architecture"), "architecture", subject,
                      "same architecture", "different processor architectures",
                      "physical replication needs the same one");
}

void checkCollations(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    const Json* databases = memberAt(source, "databases");
    const Json* others = memberAt(target, "databases");
    std::string differing;
    // On a replica the recorded version came from the source; the actual one is that of its own operating system.
    const auto look = [&](const Json& database) {
        const std::string recorded = textAt(database, "collationVersion"),
                          actual = textAt(database, "actualCollationVersion");
        if (!recorded.empty() && !actual.empty() && recorded != actual)
            differing +=
                (differing.empty() ? "" : ", ") + textAt(database, "name") + " (" + recorded + " / " + actual + ")";
    };
    if (textAt(target, "role") == "replica") {
        if (others && others->is_array())
            for (const Json& database : others->get_array()) look(database);
    } else if (databases && databases->is_array() && others && others->is_array()) {
        for (const Json& database : databases->get_array())
            for (const Json& other : others->get_array())
                if (textAt(database, "name") == textAt(other, "name") &&
                    textAt(database, "actualCollationVersion") != textAt(other, "actualCollationVersion"))
                    differing += (differing.empty() ? "" : ", ") + textAt(database, "name") + " (" +
                                 textAt(database, "actualCollationVersion") + " / " +
                                 textAt(other, "actualCollationVersion") + ")";
    }
    list.refuseUnless(
        differing.empty(), "collation-version", subject, "same collation versions",
        "the collation versions differ: " + differing,
        "text indexes would be wrong after a promotion: install the same C library and ICU at both sites");
}

void checkParameters(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    std::string low;
    for (const char* name : {"max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions",
                             "max_locks_per_transaction"}) {
        const int64_t wanted = setting(source, name), have = setting(target, name);
        if (have < wanted)
            low += (low.empty() ? "" : ", ") + std::string(name) + " " + number(have) + " < " + number(wanted);
    }
    list.refuseUnless(low.empty(), "parameters", subject, "parameters are at least the source's",
                      "parameters are lower than at the source: " + low, "raise them there, or replay stops");
}

void fit(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    if (integerAt(target, "majorVersion")) {
        checkMajorVersion(list, subject, source, target);
        checkArchitecture(list, subject, source, target);
    }
    if (!booleanAt(target, "reachable")) return;
    checkCollations(list, subject, source, target);
    checkParameters(list, subject, source, target);
}

void source(CheckList& list, const std::string& subject, const Json& source, bool isLinked) {
    const Json* settings = memberAt(source, "settings");
    const std::string level = settings ? textAt(*settings, "wal_level") : "";
    list.refuseUnless(level == "replica" || level == "logical", "wal-level", subject, "wal_level is " + level,
                      "wal_level is " + level, "set wal_level = replica and restart the source at a quiet time");
    const int64_t slots = setting(source, "max_replication_slots");
    list.refuseUnless(isLinked || slots > static_cast<int64_t>(countOf(source, "slots")), "free-slot", subject,
                      "a replication slot is free", "all replication slots are taken",
                      "raise max_replication_slots or drop unused slots");
}

void replica(CheckList& list, const std::string& subject, const Json& source, const Json& replica) {
    list.refuseUnless(integerAt(source, "timeline") == integerAt(replica, "timeline"), "timeline", subject,
                      "both are on timeline " + number(integerAt(source, "timeline")),
                      "the replica is on timeline " + number(integerAt(replica, "timeline")) + ", the source on " +
                          number(integerAt(source, "timeline")),
                      "it has diverged or has not followed a promotion: `swing replication resync`");
}

void leaving(CheckList& list, const std::string& subject, const Json& source) {
    list.refuseUnless(!booleanAt(source, "baseBackupRunning"), "base-backup", subject, "no base backup is running",
                      "a base backup is running", "wait until it has ended");
    list.warnUnless(integerAt(source, "archiveBacklog") <= 100, "archive-backlog", subject, "the archive keeps up",
                    number(integerAt(source, "archiveBacklog")) + " WAL files wait for the archive",
                    "look at archive_command: it can delay nothing here, but your backups lag");
    const Json* settings = memberAt(source, "settings");
    list.warnUnless(!settings || textAt(*settings, "synchronous_standby_names").empty(), "synchronous", subject,
                    "replication is asynchronous",
                    "synchronous_standby_names is set: a cut between the sites blocks commits",
                    "know that, or clear it");
    list.warnUnless(integerAt(source, "unloggedTables") == 0, "unlogged-tables", subject, "no unlogged tables",
                    number(integerAt(source, "unloggedTables")) + " unlogged tables will be empty after the switch",
                    "ALTER TABLE … SET LOGGED if their rows matter");
    list.warnUnless(integerAt(source, "logicalSlots") == 0, "logical-slots", subject, "no logical slots",
                    number(integerAt(source, "logicalSlots")) + " logical slots do not move with a switch",
                    "their subscribers must be set up again");
    const bool rewindable =
        booleanAt(source, "dataChecksums") || (settings && textAt(*settings, "wal_log_hints") == "on");
    list.warnUnless(rewindable, "rewindable", subject, "pg_rewind is possible",
                    "neither checksums nor wal_log_hints: after an emergency the old primary must be seeded again",
                    "set wal_log_hints = on at the next restart");
}

void taking(CheckList& list, const std::string& subject, const Json&, const Json& replica) {
    const int64_t senders = setting(replica, "max_wal_senders");
    list.refuseUnless(senders >= 2, "wal-senders", subject, "the replica may serve replicas after promotion",
                      "max_wal_senders is " + number(senders) + " at the replica",
                      "set it to 5 or more and restart it");
    const int64_t slots = setting(replica, "max_replication_slots");
    list.refuseUnless(slots > static_cast<int64_t>(countOf(replica, "slots")), "free-slot", subject,
                      "a replication slot is free at the replica",
                      "all " + number(slots) + " replication slots are taken",
                      "raise max_replication_slots or drop unused slots");
}

}  // namespace

const EngineChecks& postgresqlChecks() {
    static constexpr EngineChecks checks{fit, source, replica, leaving, taking};
    return checks;
}

}  // namespace swb::plan
