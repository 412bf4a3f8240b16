#include "plan/environment.h"
#include "plan/plan_builder.h"

namespace swb::plan {
namespace {

JsonArray toJsonArray(const std::vector<std::string>& words) {
    return JsonArray(words.begin(), words.end());
}

// One agent that has all the databases can hold the barrier "all at their tokens before any is promoted" by itself;
// several need the controller between the two.
void addPromotion(PlanBuilder& plan, const Application& to, const std::vector<std::string>& databases) {
    const auto servers = databaseServers(to, databases);
    const bool together = servers.size() == 1;
    if (!together) {
        run::Step& await = plan.step("await-token", "take-over", "every replica at its promotion token",
                                     joined(servers), "a replica that lacks the last write must not be promoted",
                                     "identity and position equal the token", "nothing: no replica was changed");
        await.params = JsonObject{{"mode", "await"}};
        await.inOutage = await.holdsTraffic = true;
    }
    run::Step& promote = plan.step(
        "promote", "take-over", together ? "every replica at its token, then all promoted" : "all replicas promoted",
        joined(servers), "the new site must own the data before it serves",
        "writable, timeline + 1, switch point equals the token's end", "none: the point of no return");
    promote.params = JsonObject{{"mode", together ? "all" : "promote"}};
    promote.inOutage = promote.holdsTraffic = promote.pointOfNoReturn = true;
}

// Begun right behind the own address; judged last, so that a provider's slowness holds nothing else up.
void addPublicationBegin(PlanBuilder& plan, const Group& group) {
    if (group.publications.empty()) return;
    std::vector<std::string> keys;
    for (const Publication& publication : group.publications) keys.push_back(publication.key());
    plan.step("publish-elsewhere", "publish-elsewhere", "publication at other providers begun: " + joined(keys),
              "controller", "users of these names follow the data too", "the intent is on disk", "forward only")
        .skippable = true;
}

void addPublicationEnd(PlanBuilder& plan, const Group& group) {
    if (group.publications.empty()) return;
    plan.step("confirm-elsewhere", "confirm-elsewhere", "every name server of the other providers answers the new site",
              "controller", "what one name server still answers, some users still get",
              "asked at every address, over UDP and TCP, twice", "forward only")
        .skippable = true;
}

// Before anything is taken away from users: it may take long and be given up at any time.
void addTtlPreparation(PlanBuilder& plan, const Snapshot& snapshot, TtlPlan ttl) {
    const Group& group = snapshot.group;
    if (ttl != TtlPlan::prepare || group.lowTtl >= group.ttl) return;
    const bool lowered = group.ttlLoweredAt != 0;
    plan.step("lower-ttl", "lower-ttl", "the TTL lowered to " + std::to_string(group.lowTtl) + " s", "controller",
              "after the switch no cache keeps the old address for longer", "the zone is answered with it",
              lowered ? "nothing: it was lowered before" : "put back")
        .params = JsonObject{{"wasLowered", lowered}};
    if (lowered && group.ttlSafeAt() <= snapshot.at) return;
    const UnixMs safeAt = lowered ? group.ttlSafeAt() : snapshot.at + group.ttl * 1000;
    plan.step("wait-ttl", "wait-ttl",
              "the usual TTL of " + std::to_string(group.ttl) + " s waited out, until about " + isoTime(safeAt),
              "controller", "caches hold what was answered before", "the time has come", "nothing: it only waits");
}

void addTtlRestoration(PlanBuilder& plan, const Group& group, TtlPlan ttl) {
    const bool lowered = group.ttlLoweredAt != 0 || (ttl == TtlPlan::prepare && group.lowTtl < group.ttl);
    if (!lowered || ttl == TtlPlan::leave) return;
    plan.step("restore-ttl", "restore-ttl", "the TTL back at " + std::to_string(group.ttl) + " s", "controller",
              "a low TTL costs queries and is for switches only", "the zone is answered with it", "forward only")
        .skippable = true;
}

void addBeforePromotion(PlanBuilder& plan, const Application& from, const Application& to,
                        const std::vector<std::string>& databases) {
    if (!databases.empty()) {
        auto servers = databaseServers(from, databases);
        for (const std::string& server : databaseServers(to, databases)) servers.push_back(server);
        plan.step("catch-up", "catch-up", "checkpoint, replicas near the end", joined(servers),
                  "what is done now is not done while writes are away", "lag small for a window, replay not paused",
                  "settings put back");
    }
    auto fronts = webServers(from);
    run::Step& maintenance =
        plan.step("maintenance-on", "maintenance-on", from.name + ": maintenance page on, writers stopped",
                  joined(fronts), "nothing new is written at the old site",
                  "a probe through every web front sees the page", "page off, writers started");
    maintenance.holdsTraffic = true;
    if (databases.empty()) return;
    const std::string servers = joined(databaseServers(from, databases));
    run::Step& fence = plan.step("fence", "fence", from.name + ": every database fenced", servers,
                                 "the last write must be known exactly",
                                 "shut down cleanly; end of the last record read", "started again as primary");
    fence.inOutage = fence.holdsTraffic = true;
    run::Step& guard =
        plan.step("boot-guard", "boot-guard", from.name + ": boot guards say replica", servers,
                  "a returning old site must come up fenced", "read back at the new epoch", "restored by unfencing");
    guard.inOutage = guard.holdsTraffic = true;
}

void addAfterPromotion(PlanBuilder& plan, const Group& group, const Application& from, const Application& to,
                       const std::vector<std::string>& databases) {
    if (!to.processes.empty() || !databases.empty()) {
        auto servers = processServers(to);
        if (servers.empty()) servers = databaseServers(to, databases);
        run::Step& activate = plan.step("activate", "activate",
                                        to.name + ": environment rendered, application healthy, one write through it",
                                        joined(servers), "the application must know that it is current",
                                        "health checks and one committed write", "forward only");
        activate.inOutage = activate.holdsTraffic = true;
        activate.overlaps = !databases.empty();
    }
    run::Step& off =
        plan.step("maintenance-off", "maintenance-off", to.name + ": maintenance page off", joined(webServers(to)),
                  "users are let in", "a probe through every web front sees the application", "forward only");
    off.holdsTraffic = true;
    run::Step& publish = plan.step(
        "publish-address", "publish-address", "the failover address answers " + joined(to.frontAddresses()),
        "controller", "traffic follows the data", "every own name server answers the new epoch", "forward only");
    publish.holdsTraffic = true;
    publish.overlaps = true;
    addPublicationBegin(plan, group);
    if (databases.empty()) return;
    plan.step("reverse-link", "reverse-link", to.name + ": ready to be replicated from",
              joined(databaseServers(to, databases)), "the old site needs a slot to follow",
              "slot and access are there", "forward only");
    run::Step& rejoin = plan.step("rejoin", "rejoin", from.name + ": old primaries follow as replicas",
                                  joined(databaseServers(from, databases)), "the old site becomes the new standby",
                                  "streaming, lag seen at 0 once, no rewind", "forward only");
    rejoin.skippable = true;
    run::Step& settle = plan.step("settle", "settle", "settings put back, old application told it is the standby",
                                  joined(from.servers()), "the next switch is the same click",
                                  "environment and settings read back", "forward only");
    settle.skippable = true;
}

}  // namespace

Result<run::Run> planSwitch(const Snapshot& snapshot, const Intent& intent, const SwitchOptions& options) {
    CheckLimits limits;
    limits.lagBytesMax = options.lagBytesMax;
    const Readiness readiness = checkSwitch(snapshot, limits);
    if (!snapshot.group.busy.empty())
        return fail(ErrorCode::GroupBusy, snapshot.group.name + " is held by run " + snapshot.group.busy,
                    "wait for it: `swing run watch " + snapshot.group.busy + "`");
    TRY_VOID(requireReady(readiness, "the switch"));
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    const auto databases = commonDatabases(from, to);
    PlanBuilder plan("switch", snapshot, intent);
    plan.run().epoch = snapshot.group.epoch + 1;
    plan.run().outageBudgetMs = snapshot.group.outageBudgetMs;
    plan.run().checks = toJson(readiness);
    plan.subject()["databases"] = toJsonArray(databases);
    plan.subject()["lagBytesMax"] = options.lagBytesMax;
    plan.subject()["variablesFrom"] = environmentVariables(from, replicaAddresses(from, snapshot));
    plan.subject()["variablesTo"] = environmentVariables(to, replicaAddresses(to, snapshot));
    plan.step("lock", "lock", "the group is locked at its next epoch", "controller", "one run at a time owns the group",
              "the lock is ours and the epoch the newest", "unlocked");
    addTtlPreparation(plan, snapshot, options.ttl);
    addBeforePromotion(plan, from, to, databases);
    if (!databases.empty()) addPromotion(plan, to, databases);
    addAfterPromotion(plan, snapshot.group, from, to, databases);
    addPublicationEnd(plan, snapshot.group);
    addTtlRestoration(plan, snapshot.group, options.ttl);
    plan.step("report", "report", "report stored, group unlocked", "controller", "what was done can be read later",
              "stored", "forward only");
    if (databases.empty())
        for (run::Step& step : plan.run().steps) step.pointOfNoReturn = step.name == "publish-address";
    return plan.take();
}

Result<run::Run> planTraffic(const Snapshot& snapshot, const Intent& intent, TtlPlan ttl) {
    if (!snapshot.group.busy.empty())
        return fail(ErrorCode::GroupBusy, snapshot.group.name + " is held by run " + snapshot.group.busy,
                    "wait for it: `swing run watch " + snapshot.group.busy + "`");
    if (!snapshot.to || snapshot.to->name == snapshot.group.current)
        return fail(ErrorCode::NotReady, "the address points at the target already",
                    "name the other application with --to");
    const Application& to = *snapshot.to;
    if (to.web.empty()) return fail(ErrorCode::NotReady, to.name + " has no web front", "add `web:` to its definition");
    // I10: never point at a site whose databases are replicas.
    for (const auto& [name, spec] : to.databases) {
        const Json* facts = snapshot.facts(to, name);
        if (!facts || textAt(*facts, "role") != "primary" || booleanAt(*facts, "fenced"))
            return fail(ErrorCode::NotReady,
                        to.name + "/" + name + " is not a primary: the address may not point there",
                        "use `swing group switch` without --traffic-only, or promote it first");
    }
    PlanBuilder plan("traffic", snapshot, intent);
    plan.run().epoch = snapshot.group.epoch + 1;
    plan.subject()["databases"] = JsonArray{};
    plan.step("lock", "lock", "the group is locked at its next epoch", "controller", "one run at a time owns the group",
              "the lock is ours and the epoch the newest", "unlocked");
    addTtlPreparation(plan, snapshot, ttl);
    plan.step("publish-address", "publish-address", "the failover address answers " + joined(to.frontAddresses()),
              "controller", "traffic follows the data", "every own name server answers the new epoch",
              "none: the point of no return")
        .pointOfNoReturn = true;
    addPublicationBegin(plan, snapshot.group);
    addPublicationEnd(plan, snapshot.group);
    addTtlRestoration(plan, snapshot.group, ttl);
    plan.step("report", "report", "report stored, group unlocked", "controller", "what was done can be read later",
              "stored", "forward only");
    return plan.take();
}

}  // namespace swb::plan
