#include "plan/plan_builder.h"

#include <set>

#include "plan/environment.h"

namespace swb::plan {

PlanBuilder::PlanBuilder(std::string kind, const Snapshot& snapshot, const Intent& intent) {
    run_.id = intent.runId;
    run_.kind = std::move(kind);
    run_.group = snapshot.group.name;
    run_.from = snapshot.from ? snapshot.from->name : "";
    run_.to = snapshot.to ? snapshot.to->name : "";
    run_.epoch = snapshot.group.epoch;
    run_.createdAt = intent.at;
    run_.actor = intent.actor;
    run_.reason = intent.reason;
    if (snapshot.from) subject_["from"] = applicationToJson(*snapshot.from);
    if (snapshot.to) subject_["to"] = applicationToJson(*snapshot.to);
    if (snapshot.owner) subject_["owner"] = applicationToJson(*snapshot.owner);
    if (!snapshot.group.name.empty()) subject_["group"] = toJson(snapshot.group);
}

run::Step& PlanBuilder::step(std::string name, std::string kind, std::string title, std::string server,
                             std::string reason, std::string verify, std::string undo) {
    run::Step step;
    step.name = std::move(name);
    step.kind = std::move(kind);
    step.title = std::move(title);
    step.server = std::move(server);
    step.reason = std::move(reason);
    step.verify = std::move(verify);
    step.undo = std::move(undo);
    step.params = JsonObject{};
    run_.steps.push_back(std::move(step));
    return run_.steps.back();
}

run::Run PlanBuilder::take() {
    run_.subject = std::move(subject_);
    return std::move(run_);
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

std::vector<std::string> databaseServers(const Application& application, const std::vector<std::string>& databases) {
    std::set<std::string> servers;
    for (const std::string& name : databases) servers.insert(application.databases.at(name).server);
    return {servers.begin(), servers.end()};
}

std::vector<std::string> webServers(const Application& application) {
    std::set<std::string> servers;
    for (const WebSpec& web : application.web) servers.insert(web.server);
    return {servers.begin(), servers.end()};
}

std::vector<std::string> processServers(const Application& application) {
    std::set<std::string> servers;
    for (const auto& [name, process] : application.processes) servers.insert(process.server);
    return {servers.begin(), servers.end()};
}

void addEnvironment(PlanBuilder& plan, const std::vector<Told>& told) {
    std::set<std::string> servers;
    std::string names;
    JsonArray list;
    for (const Told& one : told) {
        const auto own = one.application->servers();
        servers.insert(own.begin(), own.end());
        names += (names.empty() ? "" : ", ") + one.application->name;
        list.push_back(JsonObject{{"application", one.application->name},
                                  {"servers", JsonArray(own.begin(), own.end())},
                                  {"variables", environmentVariables(*one.application, one.replicas)}});
    }
    plan.subject()["told"] = list;
    plan.step("environment", "environment", names + ": processes are told where the replicas are",
              joined({servers.begin(), servers.end()}), "code reads from the replicas that its environment names",
              "environment written, processes that asked for it restarted or reloaded", "forward only")
        .skippable = true;
}

Result<void> requireReady(const Readiness& readiness, std::string_view what) {
    const Check* refusal = readiness.firstRefusal();
    if (!refusal) return {};
    size_t refused = 0;
    for (const Check& check : readiness.checks) refused += check.verdict == Verdict::refused;
    return fail(ErrorCode::NotReady,
                std::string(what) + " is refused: " + refusal->subject + ": " + refusal->sentence +
                    (refused > 1 ? " (and " + std::to_string(refused - 1) + " more)" : ""),
                refusal->hint);
}

}  // namespace swb::plan
