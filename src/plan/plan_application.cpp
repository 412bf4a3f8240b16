#include <algorithm>
#include <set>

#include "model/copy.h"
#include "plan/environment.h"
#include "plan/plan_builder.h"

namespace swb::plan {
namespace {

bool isReplicaSomewhere(const Snapshot& snapshot) {
    return std::any_of(snapshot.links.begin(), snapshot.links.end(),
                       [&](const Link& link) { return link.to == snapshot.to->name; });
}

// An application in a group that is not its current one is a standby: in maintenance, writers stopped.
bool isStandby(const Snapshot& snapshot) {
    return !snapshot.group.name.empty() && snapshot.group.current != snapshot.to->name;
}

// Servers that have a front or a writer of the application.
std::set<std::string> maintenanceServers(const Application& application) {
    std::set<std::string> servers;
    for (const WebSpec& web : application.web) servers.insert(web.server);
    for (const auto& [name, process] : application.processes)
        if (process.writes) servers.insert(process.server);
    return servers;
}

// The definition at the servers of replicas inside the application, and gone where there is none any more. Last: the
// application waits for none of them.
void addReplicas(PlanBuilder& plan, const Snapshot& snapshot) {
    std::set<std::string> servers;
    std::set<std::pair<std::string, std::string>> gone;  // copy, server
    if (snapshot.former)
        for (const Application& copy : copiesInside(*snapshot.former))
            for (const std::string& server : copy.servers()) gone.emplace(copy.name, server);
    for (const Application& copy : copiesInside(*snapshot.to))
        for (const std::string& server : copy.servers()) {
            gone.erase({copy.name, server});
            servers.insert(server);
        }
    JsonArray left;
    for (const auto& [copy, server] : gone) {
        left.push_back(JsonObject{{"copy", copy}, {"server", server}});
        servers.insert(server);
    }
    if (servers.empty()) return;
    plan.subject()["copiesGone"] = left;
    plan.step("configure-replicas", "configure-replicas",
              snapshot.to->name + ": definition at the servers of replicas inside it",
              joined({servers.begin(), servers.end()}), "agents work from it when the controller is away",
              "kept on disk", "nothing")
        .skippable = true;
}

std::string failoverStatus(const Snapshot& snapshot) {
    if (snapshot.group.name.empty()) return "none";
    return isStandby(snapshot) ? "offline" : "online";
}

}  // namespace

Result<run::Run> planApply(const Snapshot& snapshot, const Intent& intent) {
    const Application& application = *snapshot.to;
    const bool standby = isStandby(snapshot) || isReplicaSomewhere(snapshot);
    PlanBuilder plan("apply", snapshot, intent);
    plan.subject()["variablesTo"] = environmentVariables(application, replicaAddresses(application, snapshot));
    plan.subject()["failoverStatus"] = failoverStatus(snapshot);
    plan.subject()["standby"] = standby;
    plan.subject()["databases"] = JsonArray{};
    plan.step("configure", "configure", application.name + ": definition at every server",
              joined(application.servers()), "agents work from it when the controller is away", "kept on disk",
              "nothing");
    if (!application.web.empty())
        plan.step("prepare-web", "prepare-web", application.name + ": web fronts prepared once",
                  joined(webServers(application)), "a switch never reloads a front", "tested by the front itself",
                  "nothing");
    if (standby && !application.web.empty())
        plan.step("maintenance-on", "maintenance-on", application.name + ": a standby shows its maintenance page",
                  joined(webServers(application)), "only the current site serves users",
                  "a probe through every web front sees the page", "page off")
            .params = JsonObject{{"application", "to"}};
    if (!application.processes.empty())
        plan.step("apply-processes", "apply-processes", application.name + ": processes run as defined",
                  joined(processServers(application)), "asked for", "health checks", "nothing");
    addReplicas(plan, snapshot);
    return plan.take();
}

run::Run planEnvironment(const Snapshot& snapshot, const ReplicaAddresses& replicas, const Intent& intent) {
    PlanBuilder plan("environment", snapshot, intent);
    plan.subject()["databases"] = JsonArray{};
    addEnvironment(plan, {{&*snapshot.to, replicas}});
    return plan.take();
}

Result<run::Run> planMaintenance(const Snapshot& snapshot, bool on, const Intent& intent) {
    const Application& application = *snapshot.to;
    if (maintenanceServers(application).empty())
        return fail(ErrorCode::NotReady,
                    application.name + " has neither a web front nor processes with `writes: true`",
                    "there is nothing that maintenance could hold");
    if (!on && (isStandby(snapshot) || isReplicaSomewhere(snapshot)))
        for (const auto& [name, spec] : application.databases) {
            const Json* facts = snapshot.facts(application, name);
            if (!facts || textAt(*facts, "role") != "primary")
                return fail(ErrorCode::NotReady,
                            application.name + "/" + name + " is not a primary: maintenance stays on",
                            "`swing group switch` lifts it when the promotion is verified");
        }
    PlanBuilder plan(on ? "maintenance-on" : "maintenance-off", snapshot, intent);
    plan.subject()["databases"] = JsonArray{};
    const auto concerned = maintenanceServers(application);
    const std::string servers = joined({concerned.begin(), concerned.end()});
    // Without a web front there is no page and nothing to probe: maintenance is then the writers alone.
    const bool page = !application.web.empty();
    if (on)
        plan.step("maintenance-on", "maintenance-on",
                  application.name + (page ? ": maintenance page on, writers stopped" : ": writers stopped"), servers,
                  "asked for",
                  page ? "a probe through every web front sees the page"
                       : "every writer's process has ended; there is no web front to probe",
                  page ? "page off, writers started" : "writers started")
            .params = JsonObject{{"application", "to"}};
    else
        plan.step("maintenance-off", "maintenance-off",
                  application.name + (page ? ": maintenance page off, writers started" : ": writers started"), servers,
                  "asked for",
                  page ? "a probe through every web front sees the application"
                       : "every writer runs and is healthy; there is no web front to probe",
                  page ? "page on, writers stopped" : "writers stopped");
    return plan.take();
}

Result<run::Run> planRemoval(const Snapshot& snapshot, const Intent& intent) {
    const Application& application = *snapshot.to;
    for (const Group& group : snapshot.groups)
        if (group.primary == application.name || group.secondary == application.name)
            return fail(ErrorCode::InUse, application.name + " belongs to the group " + group.name,
                        "take it out of the group first: `swing group update` or `swing group delete`");
    for (const Link& link : snapshot.links)
        if (ownerOf(link.from) == application.name || ownerOf(link.to) == application.name)
            return fail(ErrorCode::InUse, link.to + "/" + link.database + " replicates from " + link.from,
                        "`swing replication disable` first");
    PlanBuilder plan("delete", snapshot, intent);
    plan.subject()["databases"] = JsonArray{};
    std::vector<std::string> servers = application.servers();
    for (const Application& copy : copiesInside(application))
        for (const std::string& server : copy.servers()) servers.push_back(server);
    if (!servers.empty())
        plan.step("remove", "remove", application.name + ": processes stopped, configuration removed; databases stay",
                  joined(servers), "asked for", "gone", "none")
            .skippable = true;
    plan.step("forget", "forget", application.name + " is forgotten", "controller", "asked for", "stored", "none");
    plan.run().steps.front().pointOfNoReturn = true;
    return plan.take();
}

}  // namespace swb::plan
