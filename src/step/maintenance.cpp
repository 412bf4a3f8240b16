#include <set>

#include "step/kind.h"

namespace swb::step {
namespace {

// Servers that have a front or a writer of the application.
std::set<std::string> concernedServers(const Application& application) {
    std::set<std::string> servers;
    for (const WebSpec& web : application.web) servers.insert(web.server);
    for (const auto& [name, process] : application.processes)
        if (process.writes) servers.insert(process.server);
    return servers;
}

int64_t longestStopMs(const Application& application) {
    int64_t longest = 0;
    for (const auto& [name, process] : application.processes)
        if (process.writes) longest = std::max(longest, process.stopMs);
    return longest;
}

// Requests in flight may use a part of the outage budget: the databases come after them.
int64_t drainMs(const Run& run, const Application& application) {
    const int64_t wanted = application.maintenance.drainMs;
    return run.outageBudgetMs ? std::min(wanted, run.outageBudgetMs / 4) : wanted;
}

Commands maintenanceOn(const Run& run, const Application& application) {
    auto fronts = frontsByServer(application);
    const int64_t drain = drainMs(run, application);
    Commands commands;
    for (const std::string& server : concernedServers(application))
        commands.push_back({server, server, "maintenance.on",
                            JsonObject{{"application", application.name},
                                       {"mode", "page"},
                                       {"web", toJsonArray(fronts[server])},
                                       {"stopWriters", true},
                                       {"drainMs", drain},
                                       {"maintenance", toJson(application.maintenance)}},
                            5000 + drain + longestStopMs(application)});
    return commands;
}

Commands maintenanceOff(const Application& application) {
    auto fronts = frontsByServer(application);
    Commands commands;
    for (const std::string& server : concernedServers(application))
        commands.push_back(
            {server, server, "maintenance.off",
             JsonObject{
                 {"application", application.name}, {"web", toJsonArray(fronts[server])}, {"startWriters", true}},
             15'000});
    return commands;
}

// What happened where no front shows it: `maintenance.on` names the processes it stopped.
std::string writersSentence(const Step& step) {
    std::string names;
    bool stopped = false;
    for (const run::CommandRecord& record : step.commands) {
        if (record.undo || record.attempt != step.attempts) continue;
        const Json* list = memberAt(record.result, "stoppedProcesses");
        if (!list || !list->is_array()) continue;
        stopped = true;
        for (const Json& name : list->get_array())
            if (name.is_string()) names += (names.empty() ? " " : ", ") + std::string(name.as_string());
    }
    if (!stopped) return "writers run";
    return names.empty() ? "no writers to stop" : "writers stopped:" + names;
}

// What became of the requests in flight; nothing where there were none.
std::string drainSentence(int64_t longestMs, bool inFlight) {
    const std::string time = std::to_string(longestMs) + " ms";
    if (inFlight) return "; requests were still in flight after " + time;
    return longestMs > 0 ? "; requests in flight were answered within " + time : "";
}

// The verb's own success is its probe; the sentence repeats what the probes saw.
Result<Json> probed(const Run&, const Step& step) {
    size_t fronts = 0;
    int64_t worstStatus = 0, longestMs = 0;
    bool inFlight = false;
    for (const run::CommandRecord& record : step.commands) {
        if (record.undo || record.attempt != step.attempts) continue;
        if (const Json* list = memberAt(record.result, "fronts"); list && list->is_array())
            for (const Json& front : list->get_array()) {
                ++fronts;
                worstStatus = std::max(worstStatus, integerAt(front, "status"));
                longestMs = std::max(longestMs, integerAt(front, "drainedMs"));
                inFlight = inFlight || booleanAt(front, "inFlight");
            }
    }
    if (fronts == 0) return detail("no web front; " + writersSentence(step));
    // No status: let through, to an application that takes its time.
    const bool isOpen = worstStatus == 0;
    return detail(std::to_string(fronts) + (fronts == 1 ? " web front " : " web fronts ") +
                  (isOpen ? std::string(fronts == 1 ? "passes" : "pass") + " requests on, no answer yet"
                          : (fronts == 1 ? "answers " : "answer ") + std::to_string(worstStatus)) +
                  drainSentence(longestMs, inFlight));
}

// A switch takes traffic away at `from` and lets it in at `to`; other plans name the application.
Application concerned(const Run& run, const Step& step, std::string_view usual) {
    const Subject subject = subjectOf(run);
    return textAt(step.params, "application", usual) == "to" ? subject.to : subject.from;
}

}  // namespace

std::unique_ptr<run::StepKind> maintenanceOnStep() {
    return kind(
        "maintenance-on",
        [](const Run& run, const Step& step) { return maintenanceOn(run, concerned(run, step, "from")); }, probed,
        [](const Run& run, const Step& step) { return maintenanceOff(concerned(run, step, "from")); });
}

std::unique_ptr<run::StepKind> maintenanceOffStep() {
    return kind(
        "maintenance-off", [](const Run& run, const Step& step) { return maintenanceOff(concerned(run, step, "to")); },
        probed, [](const Run& run, const Step& step) { return maintenanceOn(run, concerned(run, step, "to")); });
}

}  // namespace swb::step
