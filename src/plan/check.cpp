#include "plan/check.h"

#include <algorithm>
#include <charconv>

#include "model/names.h"
#include "plan/engine_checks.h"

namespace swb::plan {
namespace {

constexpr NameTable<Verdict, 3> verdicts = {
    {{"ok", Verdict::ok}, {"warning", Verdict::warning}, {"refused", Verdict::refused}}};

std::string number(int64_t value) {
    return std::to_string(value);
}

}  // namespace

std::string_view nameOf(Verdict verdict) {
    return nameIn(verdicts, verdict);
}

Verdict Readiness::verdict() const {
    Verdict worst = Verdict::ok;
    for (const Check& check : checks) worst = std::max(worst, check.verdict);
    return worst;
}

const Check* Readiness::firstRefusal() const {
    for (const Check& check : checks)
        if (check.verdict == Verdict::refused) return &check;
    return nullptr;
}

Json toJson(const Readiness& readiness) {
    JsonArray checks;
    for (const Check& check : readiness.checks)
        checks.push_back(JsonObject{{"name", check.name},
                                    {"subject", check.subject},
                                    {"verdict", nameOf(check.verdict)},
                                    {"sentence", check.sentence},
                                    {"hint", check.hint}});
    return JsonObject{
        {"verdict", nameOf(readiness.verdict())}, {"checkedAt", isoTime(readiness.checkedAt)}, {"checks", checks}};
}

int64_t setting(const Json& facts, std::string_view name) {
    const Json* settings = memberAt(facts, "settings");
    if (!settings) return 0;
    const std::string text = textAt(*settings, name);
    if (text.empty()) return integerAt(*settings, name);
    int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

void checkAgents(CheckList& list, const Snapshot& snapshot, const Application& application, const CheckLimits& limits) {
    for (const std::string& server : application.servers()) {
        const auto found = snapshot.agents.find(server);
        const bool connected = found != snapshot.agents.end() && found->second.connected;
        list.refuseUnless(connected, "agent-connected", server, "its agent is connected", "its agent is not connected",
                          "start swing-agent on " + server + ", or join it with `swing server token`");
        if (!connected) continue;
        const AgentView& agent = found->second;
        list.refuseUnless(!agent.verbs.empty(), "agent-verbs", server, "its agent announced its verbs",
                          "its agent announced no verbs", "upgrade swing-agent there");
        list.warnUnless(std::abs(agent.clockSkewMs) <= limits.clockSkewMsMax, "clock", server,
                        "its clock agrees with the controller's",
                        "its clock is " + number(agent.clockSkewMs) + " ms off the controller's",
                        "run a time service there: logs and certificates depend on it");
    }
}

void checkMajorVersion(CheckList& list, const std::string& subject, const Json& source, const Json& target) {
    const int64_t from = integerAt(source, "majorVersion"), to = integerAt(target, "majorVersion");
    list.refuseUnless(from == to && from != 0, "major-version", subject, "both run major version " + number(from),
                      "the source runs major version " + number(from) + ", the target " + number(to),
                      "install the same major version at both sites");
}

size_t countOf(const Json& facts, std::string_view key) {
    const Json* list = memberAt(facts, key);
    return list && list->is_array() ? list->get_array().size() : 0;
}

const EngineChecks& checksOf(Engine engine) {
    switch (engine) {
        case Engine::postgresql:
            return postgresqlChecks();
        case Engine::mariadb:
        case Engine::mysql:
            return mariadbChecks();
        case Engine::redis:
        case Engine::valkey:
            return redisChecks();
    }
    return postgresqlChecks();
}

namespace {

// What the source says of the replica that streams from it under that name.
const Json* rowOfReplica(const Json& source, const Json& replica) {
    const Json* rows = memberAt(source, "replicas");
    if (!rows || !rows->is_array()) return nullptr;
    for (const Json& row : rows->get_array())
        if (textAt(row, "state") == "streaming" && textAt(row, "application") == textAt(replica, "receiverSlot"))
            return &row;
    return nullptr;
}

}  // namespace

void checkReplicaFit(CheckList& list, Engine engine, const std::string& subject, const Json& source,
                     const Json& replica, const CheckLimits& limits) {
    const bool same = textAt(source, "systemId") == textAt(replica, "systemId") && !textAt(source, "systemId").empty();
    list.refuseUnless(same, "identity", subject, "both hold copies of one origin",
                      "the replica is a copy of another origin (" + textAt(replica, "systemId") + ", not " +
                          textAt(source, "systemId") + ")",
                      "seed it again: `swing replication resync`");
    checksOf(engine).replica(list, subject, source, replica);
    list.refuseUnless(textAt(replica, "receiverStatus") == "streaming", "replica-streaming", subject,
                      "the replica streams",
                      "the replica does not stream (" + textAt(replica, "receiverStatus", "no receiver") + ")",
                      "look at the replica's log; `swing replication status` shows the link");
    list.refuseUnless(!booleanAt(replica, "replayPaused"), "replay-paused", subject, "replay is not paused",
                      "replay is paused: a promotion would be queued and fire later",
                      "resume it there (postgresql: SELECT pg_wal_replay_resume(); mariadb: START SLAVE SQL_THREAD)");
    const Json* row = rowOfReplica(source, replica);
    list.refuseUnless(row != nullptr, "source-sees-replica", subject, "the source sees the replica streaming",
                      "the source does not see this replica streaming",
                      "check that it follows this source and its slot");
    // Under writes MariaDB cannot say how far a replica is; the replica compared itself with the source's end.
    if (!row) return;
    const int64_t lag = integerAt(*row, "lagBytes", integerAt(replica, "lagBytes", -1));
    const std::string said =
        lag < 0 ? "nobody knows how far the replica is behind" : "lag is " + number(lag) + " bytes";
    list.refuseUnless(lag >= 0 && lag <= limits.lagBytesMax, "lag", subject, said,
                      lag < 0 ? said : said + ", the limit " + number(limits.lagBytesMax),
                      lag < 0 ? "look again in a moment; the replica needs a connection to its source"
                              : "wait until it has caught up, or look for a slow network or disk");
}

}  // namespace swb::plan
