#include <set>

#include "step/kind.h"

namespace swb::step {
namespace {

Json variables(const Run& run, std::string_view key) {
    const Json* value = memberAt(run.subject, key);
    return value ? *value : Json(JsonObject{});
}

// Sent together with the promotion: the agent waits for every database to take a write before it acts.
Commands act(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    std::set<std::string> servers;
    for (const auto& [name, process] : subject.to.processes) servers.insert(process.server);
    if (servers.empty())
        for (const std::string& name : subject.databases) servers.insert(subject.to.databases.at(name).server);
    Commands commands;
    for (const std::string& server : servers) {
        JsonObject args{{"application", subject.to.name},
                        {"failoverStatus", "online"},
                        {"awaitWritableMs", run.outageBudgetMs},
                        {"variables", variables(run, "variablesTo")},
                        {"variablesOf", subject.to.name}};
        JsonArray databases;
        for (const std::string& name : subject.databases) databases.push_back(toJson(subject.to.databases.at(name)));
        args["databases"] = databases;
        commands.push_back({server, server, "application.activate", args, run.outageBudgetMs + 60'000});
    }
    return commands;
}

Result<Json> verify(const Run& run, const Step& step) {
    size_t processes = 0;
    for (const run::CommandRecord& record : step.commands) {
        if (record.undo || record.attempt != step.attempts) continue;
        if (const Json* list = memberAt(record.result, "processes"); list && list->is_array())
            for (const Json& process : list->get_array()) {
                if (textAt(process, "state") == "stopped") continue;  // a writer: it starts when maintenance ends
                if (!booleanAt(process, "healthy"))
                    return fail(ErrorCode::VerificationFailed,
                                "process " + textAt(process, "name") + " is not healthy");
                ++processes;
            }
    }
    return detail(std::to_string(processes) + (processes == 1 ? " process healthy" : " processes healthy") +
                  (subjectOf(run).databases.empty() ? "" : ", one write committed"));
}

// The new current application is served; the old one is told that it is the standby, settings are put back.
Commands settle(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands = endSwitch(subject);
    std::set<std::string> servers;
    for (const auto& [name, process] : subject.from.processes) servers.insert(process.server);
    for (const std::string& server : servers)
        commands.push_back({server, server, "application.deactivate",
                            JsonObject{{"application", subject.from.name},
                                       {"failoverStatus", "offline"},
                                       {"variables", variables(run, "variablesFrom")},
                                       {"variablesOf", subject.from.name}},
                            60'000});
    return commands;
}

}  // namespace

std::unique_ptr<run::StepKind> activateStep() {
    return kind("activate", act, verify);
}
std::unique_ptr<run::StepKind> settleStep() {
    return kind("settle", settle);
}

}  // namespace swb::step
