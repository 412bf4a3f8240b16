#include <algorithm>
#include <set>

#include "api/route.h"
#include "base/ids.h"
#include "dns/name.h"
#include "model/copy.h"
#include "model/names.h"
#include "step/catalogue.h"

namespace swb::api {
namespace {

constexpr int64_t ttlMin = 1, ttlMax = 86'400, lowTtlMax = 300;
constexpr NameTable<plan::TtlPlan, 3> ttlPlans = {
    {{"automatic", plan::TtlPlan::automatic}, {"prepare", plan::TtlPlan::prepare}, {"leave", plan::TtlPlan::leave}}};
constexpr int64_t lagBytesMin = 64 << 10, lagSecondsMax = 86'400;
constexpr int64_t budgetMsMin = 1'000, budgetMsMax = 600'000;

// F4: distinct applications, both with a web front, neither in another group.
Result<void> checkSlots(const Context& context, const Group& group) {
    if (!group.primary.empty() && group.primary == group.secondary)
        return fail(ErrorCode::SlotRule, "primary and secondary are the same application", "name two");
    if (group.primary.empty() && !group.secondary.empty())
        return fail(ErrorCode::SlotRule, "a secondary needs a primary beside it", "name it with --primary");
    for (const std::string& name : {group.primary, group.secondary}) {
        if (name.empty()) continue;
        const Application application = TRY(loadApplication(context, name));
        if (application.web.empty())
            return fail(ErrorCode::SlotRule, name + " has no web front",
                        "the address needs one: add `web:` to its definition");
    }
    if (!group.primary.empty() && !group.secondary.empty()) {
        const std::string a = TRY(loadApplication(context, group.primary)).site,
                          b = TRY(loadApplication(context, group.secondary)).site;
        if (a == b)
            return fail(ErrorCode::SlotRule, "both applications are at the site " + a,
                        "a failover group needs two sites");
    }
    for (const store::Document& document : TRY(context.store.list("group"))) {
        const Group other = TRY(groupFromJson(document.body));
        if (other.name == group.name) continue;
        for (const std::string& name : {group.primary, group.secondary})
            if (!name.empty() && (other.primary == name || other.secondary == name))
                return fail(ErrorCode::SlotRule, name + " belongs to the group " + other.name,
                            "an application is in one group only");
    }
    return {};
}

// F8: only fronts that the group's applications have.
Result<void> checkFronts(const Context& context, const Group& group) {
    for (const auto& [name, addresses] : group.fronts) {
        if (name != group.primary && name != group.secondary)
            return fail(ErrorCode::SlotRule, name + " is not an application of the group " + group.name);
        const auto all = TRY(loadApplication(context, name)).frontAddresses();
        if (addresses.empty())
            return fail(ErrorCode::InvalidInput, "fronts." + name + " must name at least one address");
        for (const std::string& address : addresses)
            if (std::find(all.begin(), all.end(), address) == all.end())
                return fail(ErrorCode::NotFound, name + " has no web front " + address.substr(0, 60),
                            "its definition lists them under `web:`");
    }
    return {};
}

// F2: a label is never issued twice, also after its group is gone: used ones stay in the store.
Result<std::string> freeLabel(const Context& context, const std::string& wanted) {
    if (!wanted.empty()) {
        TRY(checkedName("label", wanted));
        if (TRY(context.store.get("label", wanted)))
            return fail(ErrorCode::AlreadyExists, "the label " + wanted + " is or was in use",
                        "an address is never issued twice: choose another");
        return wanted;
    }
    for (int attempt = 0; attempt < 100; ++attempt) {
        std::string label = randomLabel();
        if (!TRY(context.store.get("label", label))) return label;
    }
    return fail(ErrorCode::Busy, "no free label was found", "choose one with --label");
}

Result<void> checkLimits(const Group& group) {
    if (group.ttl < ttlMin || group.ttl > ttlMax)
        return fail(ErrorCode::InvalidInput, "ttl must be 1 to 86400 seconds");
    if (group.lowTtl < ttlMin || group.lowTtl > lowTtlMax)
        return fail(ErrorCode::InvalidInput, "lowTtl must be 1 to 300 seconds");
    if (group.lagAlertBytes < lagBytesMin || group.lagAlertSeconds < 1 || group.lagAlertSeconds > lagSecondsMax)
        return fail(ErrorCode::InvalidInput, "lagAlertBytes must be at least 65536, lagAlertSeconds 1 to 86400");
    if (group.outageBudgetMs < budgetMsMin || group.outageBudgetMs > budgetMsMax)
        return fail(ErrorCode::InvalidInput, "outageBudgetMs must be 1000 to 600000");
    return {};
}

Result<void> checkDomains(Group& group) {
    if (group.domains.size() > limits::domainsPerGroup)
        return fail(ErrorCode::TooLarge, "a group has at most 64 domains");
    for (std::string& domain : group.domains) {
        for (char& c : domain)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        if (domain.ends_with('.')) domain.pop_back();
        if (!isHostName(domain))
            return fail(ErrorCode::InvalidInput, "'" + domain.substr(0, 80) + "' is not a domain name");
    }
    return {};
}

Result<Json> groupJson(const Context& context, const Group& group) {
    Json out = toJson(group);
    JsonObject& object = out.as_object();
    object["createdAt"] = isoTime(group.createdAt);
    object["updatedAt"] = isoTime(group.updatedAt);
    object["ttlLoweredAt"] = group.ttlLoweredAt ? Json(isoTime(group.ttlLoweredAt)) : Json(nullptr);
    object["ttlSafeAt"] = group.ttlLoweredAt ? Json(isoTime(group.ttlSafeAt())) : Json(nullptr);
    const auto readiness = TRY(context.store.get("readiness", group.name));
    object["ready"] = readiness ? readiness->body : Json(nullptr);
    JsonArray applications, links;
    std::set<std::string> linked;
    for (const std::string& name : {group.primary, group.secondary}) {
        if (name.empty()) continue;
        const Application application = TRY(loadApplication(context, name));
        const auto addresses = answeredAddresses(group, application);
        applications.push_back(JsonObject{{"name", name},
                                          {"site", application.site},
                                          {"role", name == group.current ? "current" : "standby"},
                                          {"maintenance", maintenanceOf(context, application)},
                                          {"addresses", JsonArray(addresses.begin(), addresses.end())}});
    }
    for (const store::Document& document : TRY(context.store.list("link"))) {
        const Link link = TRY(linkFromJson(document.body));
        const auto inGroup = [&](const std::string& copy) {
            const std::string name = ownerOf(copy);
            return name == group.primary || name == group.secondary;
        };
        if (!inGroup(link.from) || !inGroup(link.to)) continue;
        links.push_back(context.links.status(link));
        if (ownerOf(link.from) != ownerOf(link.to)) linked.insert(link.database);
    }
    // What a switch needs and nobody has set up is shown as well.
    if (!group.current.empty() && !group.standby().empty()) {
        const Application from = TRY(loadApplication(context, group.current));
        const Application to = TRY(loadApplication(context, group.standby()));
        for (const std::string& database : plan::commonDatabases(from, to))
            if (!linked.count(database))
                links.push_back(
                    dispatch::LinkWatch::absent(from.name, to.name, database, from.databases.at(database).engine));
    }
    object["applications"] = applications;
    object["links"] = links;
    return out;
}

// Kept so that `group show` can say when the group was last seen ready.
void keepReadiness(Context& context, const std::string& group, const Json& readiness) {
    store::Commit commit;
    commit.puts.push_back({"readiness", group, store::anyVersion, readiness});
    // A result that cannot be kept is still a result: the caller has it.
    if (auto kept = context.store.commit(commit); !kept) return;
}

// What --dry-run shows: every command that would be sent, as far as it is known before earlier steps have answered.
Json withCommands(const run::StepCatalogue& catalogue, const run::Run& run) {
    Json out = run::toPublic(run);
    JsonArray& steps = out.as_object()["steps"].as_array();
    for (size_t index = 0; index < run.steps.size(); ++index) {
        JsonArray commands;
        for (const run::CommandSpec& spec : catalogue.at(run.steps[index].kind).act(run, run.steps[index]))
            commands.push_back(JsonObject{{"server", spec.server.empty() ? "controller" : spec.server},
                                          {"verb", spec.verb},
                                          {"args", spec.args},
                                          {"deadlineMs", spec.deadlineMs}});
        steps[index].as_object()["commands"] = commands;
    }
    return out;
}

}  // namespace

namespace {

// F13: FAILOVER_STATUS and the standby's maintenance page follow the group as soon as it changes.
JsonArray applyMembers(Context& context, const Call& call, const std::set<std::string>& applications) {
    JsonArray runs;
    for (const std::string& name : applications)
        if (!name.empty())
            runs.push_back(
                JsonObject{{"application", name}, {"run", applyAgain(context, call, name, "its group changed")}});
    return runs;
}

}  // namespace

Result<Response> listGroups(Context& context, const Call&) {
    JsonArray groups;
    for (const store::Document& document : TRY(context.store.list("group")))
        groups.push_back(TRY(groupJson(context, TRY(groupFromJson(document.body)))));
    return Response{200, JsonObject{{"groups", groups}}};
}

Result<Response> createGroup(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    Group group;
    group.name = reader.string("name");
    group.primary = reader.string("primary", "");
    group.secondary = reader.string("secondary", "");
    const std::string label = reader.string("label", "");
    group.ttl = reader.integer("ttl", 300);
    group.outageBudgetMs = reader.integer("outageBudgetMs", limits::outageBudgetMs);
    TRY_VOID(reader.finish());
    TRY(checkedName("group", group.name));
    TRY_VOID(checkLimits(group));
    if (TRY(context.store.get("group", group.name)))
        return fail(ErrorCode::AlreadyExists, "the group " + group.name + " exists");
    if (TRY(context.store.list("group")).size() >= limits::groupsMax)
        return fail(ErrorCode::TooLarge, "the controller has its most groups");
    TRY_VOID(checkSlots(context, group));
    group.label = TRY(freeLabel(context, label));
    group.id = newId("fg");
    group.address = group.label + "." + context.zone;
    group.current = group.primary;
    group.epoch = 1;
    group.createdAt = group.updatedAt = context.clock.now();
    store::Commit commit;
    commit.puts.push_back({"group", group.name, store::mustNotExist, toJson(group)});
    commit.puts.push_back({"label", group.label, store::mustNotExist, JsonObject{{"group", group.id}}});
    commit.events.push_back({"group.created", "group/" + group.name, call.actorText(),
                             JsonObject{{"address", group.address}, {"id", group.id}}});
    TRY(context.store.commit(commit));
    TRY(context.publisher.publishGroup(context.store, group.name));
    const JsonArray runs = applyMembers(context, call, {group.primary, group.secondary});
    return Response{201, JsonObject{{"group", TRY(groupJson(context, group))}, {"runs", runs}}};
}

Result<Response> showGroup(Context& context, const Call& call) {
    const Group group = TRY(groupFromJson(TRY(store::getOrFail(context.store, "group", call.parts[0])).body));
    return Response{200, JsonObject{{"group", TRY(groupJson(context, group))}}};
}

Result<Response> updateGroup(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    const store::Document document = TRY(store::getOrFail(context.store, "group", call.parts[0]));
    Group group = TRY(groupFromJson(document.body));
    if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    JsonReader reader(body);
    const std::string before = group.current;
    const std::set<std::string> membersBefore{group.primary, group.secondary};
    group.primary = reader.string("primary", group.primary);
    group.secondary = reader.string("secondary", group.secondary);
    group.ttl = reader.integer("ttl", group.ttl);
    group.outageBudgetMs = reader.integer("outageBudgetMs", group.outageBudgetMs);
    group.isProtected = reader.boolean("protected", group.isProtected);
    group.lagAlertBytes = reader.integer("lagAlertBytes", group.lagAlertBytes);
    group.lagAlertSeconds = reader.integer("lagAlertSeconds", group.lagAlertSeconds);
    if (reader.has("fronts")) group.fronts = TRY(groupFrontsFromJson(reader));
    if (group.ttlLoweredAt && reader.has("ttl"))
        return fail(ErrorCode::NotReady, "the TTL is lowered for a switch: it cannot be changed now",
                    "`swing group prepare " + group.name + " --restore` puts it back first");
    if (reader.has("domains")) group.domains = reader.strings("domains");
    group.lowTtl = reader.integer("lowTtl", group.lowTtl);
    TRY_VOID(reader.finish());
    TRY_VOID(checkLimits(group));
    TRY_VOID(checkDomains(group));
    TRY_VOID(checkSlots(context, group));
    if (reader.has("fronts")) TRY_VOID(checkFronts(context, group));
    std::erase_if(group.fronts,
                  [&](const auto& entry) { return entry.first != group.primary && entry.first != group.secondary; });
    if (group.current != group.primary && group.current != group.secondary) {
        // The address follows the primary slot only when the current application left the group by this very change.
        group.current = group.primary;
        group.epoch += 1;
    }
    group.updatedAt = context.clock.now();
    store::Commit commit;
    commit.puts.push_back({"group", group.name, document.version, toJson(group)});
    commit.events.push_back({"group.changed", "group/" + group.name, call.actorText(),
                             JsonObject{{"before", before}, {"current", group.current}}});
    TRY(context.store.commit(commit));
    TRY(context.publisher.publishGroup(context.store, group.name));
    std::set<std::string> members{group.primary, group.secondary};
    JsonArray runs;
    if (members != membersBefore || group.current != before) {
        members.insert(membersBefore.begin(), membersBefore.end());
        runs = applyMembers(context, call, members);
    }
    return Response{200, JsonObject{{"group", TRY(groupJson(context, group))}, {"runs", runs}}};
}

Result<Response> deleteGroup(Context& context, const Call& call) {
    const store::Document document = TRY(store::getOrFail(context.store, "group", call.parts[0]));
    const Group group = TRY(groupFromJson(document.body));
    if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    if (!group.current.empty())
        return fail(
            ErrorCode::InUse, "the address " + group.address + " points at " + group.current,
            "take the applications out first: `swing group update " + group.name + " --primary '' --secondary ''`");
    store::Commit commit;
    commit.removes.push_back({"group", group.name, document.version});
    commit.removes.push_back({"readiness", group.name, store::anyVersion});
    commit.removes.push_back({"address-test", group.name, store::anyVersion});
    commit.events.push_back(
        {"group.deleted", "group/" + group.name, call.actorText(), JsonObject{{"address", group.address}}});
    TRY(context.store.commit(commit));
    TRY(context.publisher.publishGroup(context.store, group.name));
    return Response{200, JsonObject{}};
}

// Lowers the TTL, or puts it back (F51). Answers the group with the time from which a switch is short for everybody.
Result<Response> prepareGroup(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const bool restore = reader.boolean("restore", false);
    TRY_VOID(reader.finish());
    const store::Document document = TRY(store::getOrFail(context.store, "group", call.parts[0]));
    Group group = TRY(groupFromJson(document.body));
    if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    if (!restore && group.lowTtl >= group.ttl)
        return fail(ErrorCode::NotReady, "the TTL of " + group.name + " is not above its low TTL of " +
                                             std::to_string(group.lowTtl) + " s: there is nothing to lower");
    if ((group.ttlLoweredAt != 0) == restore) {
        group.ttlLoweredAt = restore ? 0 : context.clock.now();
        group.updatedAt = context.clock.now();
        store::Commit commit;
        commit.puts.push_back({"group", group.name, document.version, toJson(group)});
        commit.events.push_back(
            {"group.ttl", "group/" + group.name, call.actorText(), JsonObject{{"ttl", group.answeredTtl()}}});
        TRY(context.store.commit(commit));
        TRY(context.publisher.publishGroup(context.store, group.name));
        if (context.publications) context.publications->reconcile();
    }
    return Response{200, JsonObject{{"group", TRY(groupJson(context, group))}}};
}

Result<Response> checkGroup(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string to = reader.string("to", "");
    TRY_VOID(reader.finish());
    const plan::Snapshot snapshot = TRY(context.inspector.ofGroup(call.parts[0], to, true));
    const Json readiness = plan::toJson(plan::checkSwitch(snapshot));
    keepReadiness(context, call.parts[0], readiness);
    return Response{200, JsonObject{{"ready", readiness}}};
}

Result<Response> switchGroup(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string to = reader.string("to", ""), reason = reader.string("reason", "");
    const bool dryRun = reader.boolean("dryRun", false), trafficOnly = reader.boolean("trafficOnly", false);
    plan::SwitchOptions options;
    options.lagBytesMax = reader.integer("lagBytesMax", options.lagBytesMax);
    options.ttl = readEnum(reader, "ttl", ttlPlans, plan::TtlPlan::automatic);
    TRY_VOID(reader.finish());
    plan::Snapshot snapshot = TRY(context.inspector.ofGroup(call.parts[0], to, true));
    if (snapshot.group.isProtected && call.actor.role != Role::admin && !dryRun)
        return fail(ErrorCode::Forbidden,
                    "the group " + snapshot.group.name + " is protected: a switch needs an admin");
    const plan::Intent intent = intentOf(context, call, reason);
    if (!trafficOnly) keepReadiness(context, snapshot.group.name, plan::toJson(plan::checkSwitch(snapshot)));
    run::Run run = trafficOnly ? TRY(plan::planTraffic(snapshot, intent, options.ttl))
                               : TRY(plan::planSwitch(snapshot, intent, options));
    if (dryRun) return Response{200, JsonObject{{"run", withCommands(context.conductor.catalogue(), run)}}};
    // The lock and the new epoch are part of the commit that stores the plan.
    const store::Document document = TRY(store::getOrFail(context.store, "group", snapshot.group.name));
    Group group = TRY(groupFromJson(document.body));
    if (!group.busy.empty() || group.epoch != snapshot.group.epoch)
        return fail(ErrorCode::GroupBusy, group.name + " changed while it was checked", "try again");
    group.busy = run.id;
    group.epoch = run.epoch;
    store::Commit extra;
    extra.puts.push_back({"group", group.name, document.version, toJson(group)});
    return beginRun(context, std::move(run), std::move(extra));
}

}  // namespace swb::api
