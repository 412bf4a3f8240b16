// Redis and Valkey: everything is in memory, so persistence, memory and the backlog decide what a switch may risk.
#include <optional>
#include <sstream>

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

// What is kept for a replica that does not take it fast enough; above it the replica's connection is cut.
struct OutputBuffer {
    int64_t hardBytes = 0, softBytes = 0, softSeconds = 0;  // 0: no such limit

    // How long writes at this rate may pile up before the connection is cut; -1: for ever.
    int64_t seconds(int64_t bytesPerSecond) const {
        int64_t least = -1;
        if (bytesPerSecond <= 0) return least;
        if (hardBytes > 0) least = hardBytes / bytesPerSecond;
        if (softBytes > 0 && (least < 0 || softBytes / bytesPerSecond + softSeconds < least))
            least = softBytes / bytesPerSecond + softSeconds;
        return least;
    }
    bool isBelow(int64_t bytes) const {
        return (hardBytes > 0 && hardBytes < bytes) || (softBytes > 0 && softBytes < bytes);
    }
    std::string text() const {
        return "replica " + number(hardBytes) + " " + number(softBytes) + " " + number(softSeconds);
    }
};

// Of "normal 0 0 0 slave 268435456 67108864 60 pubsub …"; nothing when the server did not say.
std::optional<OutputBuffer> outputBufferOf(const Json& facts) {
    const Json* settings = memberAt(facts, "settings");
    std::istringstream words(settings ? textAt(*settings, "client-output-buffer-limit") : "");
    std::string kind;
    for (OutputBuffer limit; words >> kind >> limit.hardBytes >> limit.softBytes >> limit.softSeconds;)
        if (kind == "slave" || kind == "replica") return limit;
    return std::nullopt;
}

// Without a limit a replica that hangs fills the source's memory. With too small a one it is cut off during a copy,
// begins again, and never ends.
void checkOutputBuffer(CheckList& list, const std::string& subject, const Json& facts) {
    constexpr int64_t bytesMin = 16 << 20;
    const auto limit = outputBufferOf(facts);
    if (!limit) return;
    const std::string setting = "client-output-buffer-limit " + limit->text();
    if (limit->hardBytes <= 0 && limit->softBytes <= 0)
        return list.warnUnless(false, "output-buffer", subject, "",
                               "a replica that hangs may fill the memory: " + setting + " is no limit",
                               "CONFIG SET client-output-buffer-limit \"replica 256mb 64mb 60\", and so in its file");
    const int64_t seconds = limit->seconds(integerAt(facts, "bytesPerSecond"));
    const bool isShort = seconds >= 0 && seconds < backlogSecondsMin;
    list.warnUnless(!isShort && !limit->isBelow(bytesMin), "output-buffer", subject,
                    "a replica may be behind as far as a copy needs",
                    setting + " cuts a replica off " +
                        (isShort ? "after " + number(seconds) + " s of writes as now" : "that is little behind"),
                    "raise it (\"replica 256mb 64mb 60\" or more): a copy that takes longer begins again and again");
}

void source(CheckList& list, const std::string& subject, const Json& source, bool) {
    checkAlone(list, subject, source);
    checkOutputBuffer(list, subject, source);
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
    checkOutputBuffer(list, subject, source);
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
