#include "api/route.h"
#include "base/ids.h"
#include "model/copy.h"

namespace swb::api {

plan::Intent intentOf(const Context& context, const Call& call, const std::string& reason) {
    return {newId("r"), call.actorText(), reason.substr(0, 500), context.clock.now()};
}

Result<Response> beginRun(Context& context, run::Run run, store::Commit extra) {
    // Two runs never work on one copy at a time. One that makes or ends replicas inside an application holds those
    // alone: seeding them may take hours and must not keep the application from being switched.
    std::vector<std::string> names;
    if (!run.from.empty() && !isInside(run.to)) names.push_back(run.from);
    if (!run.to.empty() && run.to != run.from) names.push_back(run.to);
    for (const std::string& name : names) {
        if (const auto held = TRY(context.store.get("lock", "application/" + name)))
            return fail(ErrorCode::GroupBusy, name + " is held by run " + textAt(held->body, "run"),
                        "wait for it: `swing run watch " + textAt(held->body, "run") + "`");
        extra.puts.push_back({"lock", "application/" + name, store::mustNotExist, JsonObject{{"run", run.id}}});
    }
    auto begun = context.conductor.begin(std::move(run), std::move(extra));
    if (!begun && begun.error().code == ErrorCode::Conflict)
        return fail(ErrorCode::GroupBusy, "another run began at the same moment: " + begun.error().message,
                    "look at `swing run list`");
    if (!begun) return fail(begun.error());
    return Response{202, JsonObject{{"run", run::toPublic(*begun)}}};
}

Result<Application> loadApplication(const Context& context, const std::string& name) {
    const Json body = TRY(store::getOrFail(context.store, "application", name)).body;
    const Json* definition = memberAt(body, "definition");
    return applicationFromJson(definition ? *definition : Json(nullptr));
}

Json telemetryOf(const Context& context, const Application& application, const std::string& database) {
    const auto spec = application.databases.find(database);
    if (spec == application.databases.end() || !context.fleet.connected(spec->second.server)) return nullptr;
    const Json facts = context.fleet.facts(spec->second.server);
    const Json* databases = memberAt(facts, "databases");
    const Json* found = databases ? memberAt(*databases, application.name + "/" + database) : nullptr;
    return found ? *found : Json(nullptr);
}

std::string maintenanceOf(const Context& context, const Application& application) {
    if (application.web.empty()) return "none";
    bool allOff = true;
    for (const WebSpec& web : application.web) {
        std::string mode = "unknown";
        const Json facts = context.fleet.facts(web.server);
        if (const Json* fronts = memberAt(facts, "fronts"))
            if (const Json* front = memberAt(*fronts, application.name + "/" + web.address);
                front && context.fleet.connected(web.server))
                mode = textAt(*front, "mode", "unknown");
        if (mode == "page") return mode;
        allOff = allOff && mode == "off";
    }
    return allOff ? "off" : "unknown";
}

Json linkStatus(const Context& context, const Link& link) {
    LinkState state = LinkState::none;
    std::string hint;
    Json lagBytes(nullptr), lagSeconds(nullptr);
    const auto from = dispatch::loadCopy(context.store, link.from), to = dispatch::loadCopy(context.store, link.to);
    const Json source = from ? telemetryOf(context, *from, link.database) : Json(nullptr);
    const Json replica = to ? telemetryOf(context, *to, link.database) : Json(nullptr);
    if (replica.is_null() || !booleanAt(replica, "reachable")) {
        state = LinkState::stopped;
        hint = replica.is_null() ? "the agent of the replica is not connected" : "the replica does not answer";
    } else if (textAt(replica, "role") != "replica") {
        state = LinkState::broken;
        hint = "the replica is " + textAt(replica, "role");
    } else if (source.is_null() || !booleanAt(source, "reachable")) {
        state = LinkState::broken;
        hint = "the source cannot be seen";
    } else if (textAt(source, "systemId") != textAt(replica, "systemId") ||
               integerAt(replica, "timeline") > integerAt(source, "timeline")) {
        state = LinkState::diverged;
        hint = "`swing replication resync` makes it a copy again";
    } else {
        state = LinkState::broken;
        hint = "the source does not see the replica streaming: look at its log";
        if (const Json* rows = memberAt(source, "replicas"); rows && rows->is_array())
            for (const Json& row : rows->get_array()) {
                if (textAt(row, "application") != Link::slotFor(link.to) || textAt(row, "state") != "streaming")
                    continue;
                lagBytes = integerAt(row, "lagBytes");
                const Json* seconds = memberAt(row, "lagSeconds");
                lagSeconds = seconds ? *seconds : Json(nullptr);
                const bool behind = integerAt(row, "lagBytes") > plan::CheckLimits{}.lagBytesMax;
                state = behind ? LinkState::behind : LinkState::streaming;
                hint = behind ? "a slow network or disk, or a long transaction" : "";
            }
    }
    return JsonObject{{"from", link.from},
                      {"to", link.to},
                      {"database", link.database},
                      {"engine", link.engine},
                      {"state", nameOf(state)},
                      {"lagBytes", lagBytes},
                      {"lagSeconds", lagSeconds},
                      {"since", isoTime(link.since)},
                      {"hint", hint}};
}

JsonArray replicasInside(const Context& context, const Application& application) {
    std::map<std::string, Link> links;
    if (const auto documents = context.store.list("link"))
        for (const store::Document& document : *documents)
            if (auto link = linkFromJson(document.body)) links[link->to + "/" + link->database] = *link;
    JsonArray out;
    for (const Application& copy : copiesInside(application))
        for (const auto& [name, spec] : copy.databases) {
            const auto link = links.find(copy.name + "/" + name);
            JsonObject row;
            if (link != links.end())
                row = linkStatus(context, link->second).as_object();
            else
                row = JsonObject{{"from", nullptr},
                                 {"to", copy.name},
                                 {"database", name},
                                 {"engine", nameOf(spec.engine)},
                                 {"state", nameOf(LinkState::none)},
                                 {"lagBytes", nullptr},
                                 {"lagSeconds", nullptr},
                                 {"since", nullptr},
                                 {"hint", "`swing replication enable --from " + application.name + " --to " +
                                              copy.name + " --database " + name + "` makes it a replica"}};
            row["name"] = copy.name.substr(application.name.size() + 1);
            row["server"] = spec.server;
            row["address"] = spec.address.text();
            out.push_back(row);
        }
    return out;
}

}  // namespace swb::api
