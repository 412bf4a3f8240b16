// PostgreSQL: physical replication wants the same version, architecture, collations and at least the same parameters.
#include "plan/engine_checks.h"

namespace swb::plan {
namespace {

std::string number(int64_t value) {
    return std::to_string(value);
}

std::string settingText(const Json& facts, std::string_view name) {
    const Json* settings = memberAt(facts, "settings");
    return settings ? textAt(*settings, name) : "";
}

// "a, b, c, …" of a list of texts.
std::string listed(const Json& facts, std::string_view key) {
    constexpr size_t shownMax = 5;
    std::string text;
    size_t shown = 0;
    if (const Json* list = memberAt(facts, key); list && list->is_array())
        for (const Json& one : list->get_array()) {
            if (!one.is_string()) continue;
            if (++shown > shownMax) return text + ", …";
            text += (text.empty() ? "" : ", ") + std::string(one.get_string());
        }
    return text;
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
    // Collations that tables name themselves, from the operating system's or ICU's list.
    if (const std::string own = listed(target, "collationMismatches"); !own.empty())
        differing += (differing.empty() ? "" : ", ") + own;
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

// An extension's rows are copied, its files are not: every call of its functions would fail after a promotion.
void checkExtensions(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    const Json* available = memberAt(target, "availableExtensions");
    std::string absent, otherVersion;
    const auto look = [&](std::string_view extension) {
        const std::string name(extension.substr(0, extension.find(' ')));
        const Json* offered = available ? memberAt(*available, name) : nullptr;
        std::string& where = offered ? otherVersion : absent;
        where += (where.empty() ? "" : ", ") + std::string(extension) +
                 (offered && offered->is_string() ? " (there " + std::string(offered->get_string()) + ")" : "");
    };
    const bool follows = textAt(target, "role") == "replica";
    const Json* wanted = follows ? memberAt(target, "missingExtensions") : memberAt(source, "extensions");
    if (wanted && wanted->is_array() && (follows || available))
        for (const Json& one : wanted->get_array()) {
            const std::string extension(one.is_string() ? one.get_string() : "");
            // Before there is a copy only the name can be compared: an update may lead from one version to the other.
            if (follows || !memberAt(*available, extension.substr(0, extension.find(' ')))) look(extension);
        }
    list.refuseUnless(absent.empty(), "extensions", subject, "the files of every extension are there",
                      "extensions whose files are not installed there: " + absent,
                      "install their packages: after a promotion every call of them would fail");
    if (!otherVersion.empty())
        list.add(Verdict::warning, "extension-versions", subject, "other versions of extensions: " + otherVersion,
                 "install the same packages at both sites, or ALTER EXTENSION … UPDATE after the switch");
}

void fit(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    if (integerAt(target, "majorVersion")) {
        checkMajorVersion(list, subject, source, target);
        checkArchitecture(list, subject, source, target);
    }
    if (!booleanAt(target, "reachable")) return;
    checkCollations(list, subject, source, target);
    checkParameters(list, subject, source, target);
    checkExtensions(list, subject, source, target);
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
    const Json* synchronous = memberAt(source, "synchronous");
    const std::string state = synchronous ? textAt(*synchronous, "state") : "",
                      with = synchronous ? textAt(*synchronous, "with") : "";
    const bool asWanted = state.empty() || (state == "synchronous" && !with.empty());
    list.warnUnless(asWanted, "synchronous", subject,
                    state.empty() ? "replication is asynchronous" : textAt(*synchronous, "sentence"),
                    synchronous ? textAt(*synchronous, "sentence") : "",
                    with.empty()
                        ? "synchronous_standby_names is set by hand: a cut between the sites would block commits; "
                          "`synchronous: {with: …}` of the definition does not"
                        : "`swing replication status` shows the link");
    list.warnUnless(integerAt(source, "unloggedTables") == 0, "unlogged-tables", subject, "no unlogged tables",
                    number(integerAt(source, "unloggedTables")) +
                        " unlogged tables will be empty after the switch: " + listed(source, "unloggedNames"),
                    "ALTER TABLE … SET LOGGED if their rows matter");
    // Physical replication copies them like any other rows; said, because other ways of moving a database do not.
    if (integerAt(source, "largeObjects") > 0)
        list.add(Verdict::ok, "large-objects", subject, "large objects are replicated like tables", "");
    list.warnUnless(integerAt(source, "logicalSlots") == 0, "logical-slots", subject, "no logical slots",
                    number(integerAt(source, "logicalSlots")) + " logical slots do not move with a switch",
                    integerAt(source, "majorVersion") >= 17
                        ? "make them failover slots (sync_replication_slots), or set their subscribers up again"
                        : "their subscribers must be set up again");
    const bool rewindable = booleanAt(source, "dataChecksums") || settingText(source, "wal_log_hints") == "on";
    list.warnUnless(rewindable, "rewindable", subject, "pg_rewind is possible",
                    "neither checksums nor wal_log_hints: after an emergency the old primary must be seeded again",
                    "set wal_log_hints = on at the next restart");
}

// What would hold a promotion up, or make it one of the wrong moment.
void checkRecovery(CheckList& list, const std::string& subject, const Json& replica) {
    const std::string delay = settingText(replica, "recovery_min_apply_delay");
    list.refuseUnless(delay.empty() || delay == "0", "replay-delay", subject, "replay is not delayed",
                      "replay is delayed by " + delay,
                      "set recovery_min_apply_delay to 0: the switch would wait for it");
    list.refuseUnless(textAt(replica, "recoveryTarget").empty(), "recovery-target", subject, "no recovery target",
                      "the replica has a recovery target: " + textAt(replica, "recoveryTarget"),
                      "remove recovery_target* from its configuration");
    constexpr int64_t changedByReload = 14;
    const std::string restore = settingText(replica, "restore_command");
    list.refuseUnless(restore.empty() || integerAt(replica, "majorVersion") >= changedByReload, "restore-command",
                      subject, restore.empty() ? "no restore_command" : "restore_command is put aside during a switch",
                      "the replica has a restore_command, which PostgreSQL 13 changes only at a start",
                      "remove it: it can hold a promotion for minutes when the other site is gone");
}

// Backups that live on the archive end silently when the new primary does not archive.
void checkArchive(CheckList& list, const std::string& subject, const Json& source, const Json& replica) {
    const std::string from = settingText(source, "archive_mode"), to = settingText(replica, "archive_mode");
    const bool archives = !from.empty() && from != "off", goesOn = !to.empty() && to != "off";
    const auto destination = [](const Json& facts) {
        return settingText(facts, "archive_command") + settingText(facts, "archive_library");
    };
    list.warnUnless(!archives || (goesOn && !destination(replica).empty()), "archive", subject,
                    archives ? "archiving goes on at the replica" : "the log is not archived",
                    "the log is archived at the source only: point-in-time backups would end with the switch",
                    "set archive_mode and archive_command there too, and restart it at a quiet time");
    list.warnUnless(
        to != "always" || destination(source) != destination(replica), "archive-twice", subject,
        "one server writes to an archive",
        "archive_mode is always at the replica, with the source's own archive_command",
        "two servers would write the same file names: let the command accept that, or use archive_mode = on");
}

// After the switch the new primary may wait only for standbys that it has.
void checkStandbyNames(CheckList& list, const std::string& subject, const Json& source, const Json& replica) {
    const Json *there = memberAt(source, "synchronous"), *here = memberAt(replica, "synchronous");
    const std::string with = here ? textAt(*here, "with") : "",
                      names = settingText(replica, "synchronous_standby_names");
    list.warnUnless(!there || textAt(*there, "with").empty() || !with.empty(), "synchronous-after", subject,
                    "commits wait after the switch as they do now",
                    "commits wait for this copy now, and would wait for nobody after the switch",
                    "give its definition `synchronous` too");
    list.warnUnless(names.empty() || !with.empty(), "standby-names", subject, "no standbys of its own to wait for",
                    "synchronous_standby_names is '" + names + "' there: it is put aside until enough of them stream",
                    "name standbys that the new primary will have, or clear it");
}

void taking(CheckList& list, const std::string& subject, const Json& source, const Json& replica) {
    checkRecovery(list, subject, replica);
    checkArchive(list, subject, source, replica);
    checkStandbyNames(list, subject, source, replica);
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
