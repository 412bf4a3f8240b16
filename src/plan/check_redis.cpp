// Redis and Valkey: everything is in memory, so persistence, memory and the backlog decide what a switch may risk.
#include "plan/engine_checks.h"

namespace swb::plan {
namespace {

constexpr int64_t backlogSecondsMin = 60;

std::string number(int64_t value) {
    return std::to_string(value);
}

void checkAlone(CheckList& list, const std::string& subject, const Json& facts) {
    const std::string other = textAt(facts, "sentinelOrCluster");
    list.refuseUnless(other.empty(), "no-other-orchestrator", subject, "nobody else promotes it",
                      other + " looks after this server as well",
                      "two orchestrators promote against each other: take it out of the one or the other");
}

void fit(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    const int64_t here = integerAt(source, "rdbVersion"), there = integerAt(target, "rdbVersion");
    if (here && there)
        list.refuseUnless(here == there, "rdb-version", subject, "both read each other's files",
                          "the source writes RDB version " + number(here) + ", the target " + number(there),
                          "a copy could go one way only: install the same release at both sites");
    if (!booleanAt(target, "reachable")) return;
    checkAlone(list, subject, target);
    const int64_t wanted = setting(source, "maxmemory"), have = setting(target, "maxmemory");
    list.refuseUnless(
        have == 0 || (wanted != 0 && have >= wanted), "maxmemory", subject, "the target may use as much memory",
        "maxmemory is " + number(wanted) + " at the source (0: no limit) and " + number(have) + " at the target",
        "raise it there, or keys would be evicted after the switch");
}

void source(CheckList& list, const std::string& subject, const Json& source, bool) {
    checkAlone(list, subject, source);
}

void replica(CheckList&, const std::string&, const Json&, const Json&) {}

void checkPersistence(CheckList& list, const std::string& subject, const Json& facts) {
    const Json* persistence = memberAt(facts, "persistence");
    const bool isKept = persistence && (booleanAt(*persistence, "rdb") || booleanAt(*persistence, "aof"));
    list.warnUnless(isKept, "persistence", subject, "the data is kept on disk", "nothing is kept on disk",
                    "a restart comes up empty: set appendonly yes, or save points");
    if (isKept)
        list.warnUnless(booleanAt(*persistence, "lastSaveOk"), "last-save", subject, "the last save went well",
                        "the last save to disk failed", "look at its log: disk full, or no memory to fork");
}

void leaving(CheckList& list, const std::string& subject, const Json& source) {
    checkPersistence(list, subject, source);
    const std::string state = textAt(source, "failoverState", "no-failover");
    list.refuseUnless(state == "no-failover", "no-failover-running", subject, "no hand-over is under way",
                      "a FAILOVER is under way (" + state + ")", "FAILOVER ABORT, then look at both roles");
    const int64_t seconds = integerAt(source, "backlogSeconds", -1);
    if (seconds >= 0)
        list.warnUnless(seconds >= backlogSecondsMin, "backlog", subject,
                        "the backlog bridges a cut of " + number(seconds) + " s",
                        "the backlog bridges a cut of " + number(seconds) + " s only",
                        "raise repl-backlog-size: after a longer cut everything is copied again");
}

void taking(CheckList& list, const std::string& subject, const Json& source, const Json& replica) {
    checkPersistence(list, subject, replica);
    const std::string here = textAt(*memberAt(source, "settings"), "maxmemory-policy"),
                      there = textAt(*memberAt(replica, "settings"), "maxmemory-policy");
    list.warnUnless(here == there, "eviction", subject, "both evict alike",
                    "maxmemory-policy is " + here + " at the source and " + there + " at the replica", "set it alike");
}

}  // namespace

const EngineChecks& redisChecks() {
    static constexpr EngineChecks checks{fit, source, replica, leaving, taking};
    return checks;
}

}  // namespace swb::plan
