#include <set>

#include "model/copy.h"
#include "step/kind.h"

namespace swb::step {
namespace {

// The part of the definition that concerns one server, as application.configure keeps it.
JsonObject partFor(const Run& run, const Application& application, const std::string& server) {
    JsonObject processes, databases, environment;
    JsonArray web;
    for (const auto& [name, spec] : application.processes)
        if (spec.server == server) processes[name] = toJson(spec);
    for (const auto& [name, spec] : application.databases)
        if (spec.server == server) databases[name] = toJson(spec);
    for (const WebSpec& spec : application.web)
        if (spec.server == server) web.push_back(toJson(spec));
    for (const auto& [name, value] : application.environment) environment[name] = value;
    const Json* variables = memberAt(run.subject, "variablesTo");
    return JsonObject{{"application", application.name},
                      {"processes", processes},
                      {"environment", environment},
                      {"variables", variables ? *variables : Json(JsonObject{})},
                      {"web", web},
                      {"databases", databases},
                      {"maintenance", toJson(application.maintenance)},
                      {"failoverStatus", textAt(run.subject, "failoverStatus", "none")},
                      {"epoch", run.epoch},
                      {"role", booleanAt(run.subject, "standby") ? "standby" : "current"},
                      // The controller puts the secrets in when it sends the command; they are never part of a run.
                      {"secretsOf", application.name},
                      {"variablesOf", application.name}};
}

// The same for replicas inside an application: an agent keeps them like an application that has only databases.
JsonObject partFor(const Application& copy, const std::string& server) {
    JsonObject databases;
    for (const auto& [name, spec] : copy.databases)
        if (spec.server == server) databases[name] = toJson(spec);
    return JsonObject{{"application", copy.name}, {"databases", databases}};
}

Commands configureReplicas(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const Application& copy : copiesInside(subject.to))
        for (const std::string& server : copy.servers())
            commands.push_back(
                {copy.name + "@" + server, server, "application.configure", partFor(copy, server), 15'000});
    if (const Json* gone = memberAt(run.subject, "copiesGone"); gone && gone->is_array())
        for (const Json& entry : gone->get_array())
            commands.push_back({textAt(entry, "copy") + "@" + textAt(entry, "server"), textAt(entry, "server"),
                                "application.remove", JsonObject{{"application", textAt(entry, "copy")}}, 60'000});
    return commands;
}

// Variables alone, of every application that the run changed the replicas of.
Commands environment(const Run& run, const Step&) {
    Commands commands;
    const Json* told = memberAt(run.subject, "told");
    if (!told || !told->is_array()) return commands;
    for (const Json& entry : told->get_array()) {
        const std::string name = textAt(entry, "application");
        for (const Json& server : memberAt(entry, "servers")->as_array())
            commands.push_back(
                {name + "@" + std::string(server.as_string()), std::string(server.as_string()), "application.refresh",
                 JsonObject{{"application", name}, {"variables", *memberAt(entry, "variables")}, {"variablesOf", name}},
                 60'000});
    }
    return commands;
}

Commands configure(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const std::string& server : subject.to.servers())
        commands.push_back({server, server, "application.configure", partFor(run, subject.to, server), 15'000});
    return commands;
}

Commands prepareWeb(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    size_t index = 0;
    for (const WebSpec& web : subject.to.web)
        commands.push_back({web.server + "-" + std::to_string(index++), web.server, "web.prepare",
                            JsonObject{{"application", subject.to.name},
                                       {"web", toJson(web)},
                                       {"maintenance", toJson(subject.to.maintenance)},
                                       {"initialMode", booleanAt(run.subject, "standby") ? "page" : "off"}},
                            20'000});
    return commands;
}

Commands applyProcesses(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    std::set<std::string> servers;
    for (const auto& [name, process] : subject.to.processes) servers.insert(process.server);
    Commands commands;
    for (const std::string& server : servers)
        commands.push_back(
            {server, server, "process.apply",
             JsonObject{{"application", subject.to.name}, {"writers", !booleanAt(run.subject, "standby")}}, 60'000});
    return commands;
}

Commands remove(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const std::string& server : subject.to.servers())
        commands.push_back(
            {server, server, "application.remove", JsonObject{{"application", subject.to.name}}, 60'000});
    for (const Application& copy : copiesInside(subject.to))
        for (const std::string& server : copy.servers())
            commands.push_back({copy.name + "@" + server, server, "application.remove",
                                JsonObject{{"application", copy.name}}, 60'000});
    return commands;
}

Commands forget(const Run&, const Step&) {
    return {{"controller", "", "controller.forget", JsonObject{}, 10'000}};
}

}  // namespace

std::unique_ptr<run::StepKind> configureStep() {
    return kind("configure", configure);
}
std::unique_ptr<run::StepKind> prepareWebStep() {
    return kind("prepare-web", prepareWeb);
}
std::unique_ptr<run::StepKind> applyProcessesStep() {
    return kind("apply-processes", applyProcesses);
}
std::unique_ptr<run::StepKind> configureReplicasStep() {
    return kind("configure-replicas", configureReplicas);
}
std::unique_ptr<run::StepKind> environmentStep() {
    return kind("environment", environment);
}
std::unique_ptr<run::StepKind> removeStep() {
    return kind("remove", remove);
}
std::unique_ptr<run::StepKind> forgetStep() {
    return kind("forget", forget);
}

}  // namespace swb::step
