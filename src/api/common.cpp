#include "api/route.h"
#include "base/ids.h"
#include "dispatch/application_locks.h"
#include "model/copy.h"

namespace swb::api {

plan::Intent intentOf(const Context& context, const Call& call, const std::string& reason) {
    return {newId("r"), call.actorText(), reason.substr(0, 500), context.clock.now()};
}

Result<Response> beginRun(Context& context, run::Run run, store::Commit extra) {
    TRY_VOID(dispatch::addLocks(context.store, run, extra));
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
                row = context.links.status(link->second).as_object();
            else
                row = dispatch::LinkWatch::absent(application.name, copy.name, name, spec.engine).as_object();
            row["name"] = copy.name.substr(application.name.size() + 1);
            row["server"] = spec.server;
            row["address"] = spec.address.text();
            out.push_back(row);
        }
    return out;
}

}  // namespace swb::api
