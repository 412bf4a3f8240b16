#include <algorithm>
#include <set>

#include "api/route.h"
#include "model/copy.h"
#include "model/yaml.h"

namespace swb::api {
namespace {

Result<Application> parseDefinition(const Request& request) {
    if (request.contentType.find("json") == std::string::npos) return applicationFromYaml(request.body);
    return applicationFromJson(TRY(parseJson(request.body, limits::bodyBytes)));
}

// The definition may only name a site and servers that exist, and servers of that site.
Result<void> checkReferences(const Context& context, const Application& application) {
    if (!TRY(context.store.get("site", application.site)))
        return fail(ErrorCode::NotFound, "there is no site " + application.site,
                    "`swing site add " + application.site + "`");
    std::set<std::string> servers;
    for (const std::string& name : application.servers()) servers.insert(name);
    for (const Application& copy : copiesInside(application))
        for (const std::string& name : copy.servers()) servers.insert(name);
    for (const std::string& name : servers) {
        const auto document = TRY(context.store.get("server", name));
        if (!document)
            return fail(ErrorCode::NotFound, "there is no server " + name,
                        "`swing server token " + name + " --site " + application.site + "`, then `swing-agent join`");
        if (textAt(document->body, "site") != application.site)
            return fail(ErrorCode::InvalidDefinition, "the server " + name + " is at the site " +
                                                          textAt(document->body, "site") + ", not " + application.site);
    }
    return {};
}

// What has no driver in this release is refused before anything is stored.
Result<void> checkSupported(const Application& application) {
    for (const WebSpec& web : application.web)
        if (web.front != Front::nginx)
            return fail(ErrorCode::Unsupported,
                        "web: " + std::string(nameOf(web.front)) + " is not driven by this release",
                        "put an nginx in front");
    return {};
}

// A web front may not go while a group needs it (F4); what a link connects may not change under it.
Result<void> checkUses(const Context& context, const Application& application) {
    for (const store::Document& document : TRY(context.store.list("group"))) {
        const Group group = TRY(groupFromJson(document.body));
        if ((group.primary == application.name || group.secondary == application.name) && application.web.empty())
            return fail(ErrorCode::SlotRule,
                        application.name + " belongs to the group " + group.name + " and needs a web front");
    }
    for (const store::Document& document : TRY(context.store.list("link"))) {
        const Link link = TRY(linkFromJson(document.body));
        for (const std::string& name : {link.from, link.to}) {
            if (ownerOf(name) != application.name) continue;
            const auto copy = copyOf(application, name);
            if (copy && copy->databases.count(link.database)) continue;
            return fail(ErrorCode::InUse,
                        "the database " + link.database + " is replicated between " + link.from + " and " + link.to,
                        "`swing replication disable` first");
        }
    }
    return {};
}

// apply: the newest definition and its run. `text` keeps the file as it was written.
Result<Response> planAndBegin(Context& context, const Call& call, const Application& application,
                              const std::string& text, std::optional<store::Document> present, bool dryRun) {
    plan::Snapshot snapshot;
    snapshot.at = context.clock.now();
    snapshot.to = application;
    if (present) snapshot.former = TRY(loadApplication(context, application.name));
    TRY_VOID(context.inspector.addDocuments(snapshot));
    for (const Group& group : snapshot.groups) {
        if (group.primary != application.name && group.secondary != application.name) continue;
        snapshot.group = group;
        const std::string peer = group.primary == application.name ? group.secondary : group.primary;
        if (!peer.empty()) snapshot.from = TRY(loadApplication(context, peer));
        if (!group.busy.empty()) return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy);
    }
    run::Run run = TRY(plan::planApply(snapshot, intentOf(context, call, "apply")));
    run.from.clear();  // the peer is not touched, so it is not locked
    if (dryRun)
        return Response{200, JsonObject{{"application", applicationToJson(application)}, {"run", run::toPublic(run)}}};
    store::Commit extra;
    extra.puts.push_back(
        {"application", application.name, present ? present->version : store::mustNotExist,
         JsonObject{{"site", application.site}, {"definition", applicationToJson(application)}, {"text", text}}});
    extra.events.push_back({present ? "application.changed" : "application.added", "application/" + application.name,
                            call.actorText(), JsonObject{{"run", run.id}}});
    Response response = TRY(beginRun(context, std::move(run), std::move(extra)));
    response.status = present ? 200 : 201;
    response.body.as_object()["application"] = applicationToJson(application);
    // F7: the record follows the fronts. A failure is logged there; the zone then keeps its last good answer.
    TRY(context.publisher.publishApplication(context.store, application.name));
    return response;
}

Result<Response> changeSecret(Context& context, const Call& call, store::Commit change) {
    const std::string& name = call.parts[0];
    const store::Document document = TRY(store::getOrFail(context.store, "application", name));
    const Application application = TRY(loadApplication(context, name));
    change.events.push_back(
        {"secret.changed", "application/" + name, call.actorText(), JsonObject{{"name", call.parts[1]}}});
    TRY(context.store.commit(change));
    if (application.servers().empty()) return Response{200, JsonObject{{"run", nullptr}}};
    return planAndBegin(context, call, application, textAt(document.body, "text"), document, false);
}

}  // namespace

std::string applyAgain(Context& context, const Call& call, const std::string& name, const std::string& reason) {
    const auto begin = [&]() -> Result<Response> {
        plan::Snapshot snapshot = TRY(context.inspector.ofApplications("", name, false));
        run::Run run = TRY(plan::planApply(snapshot, intentOf(context, call, reason)));
        run.from.clear();
        return beginRun(context, std::move(run));
    };
    const auto response = begin();
    if (!response) return describe(response.error());
    return textAt(*memberAt(response->body, "run"), "id");
}

Result<Response> listApplications(Context& context, const Call&) {
    JsonArray out;
    const auto groups = TRY(context.store.list("group"));
    for (const store::Document& document : TRY(context.store.list("application"))) {
        const Application application = TRY(loadApplication(context, document.id));
        std::string groupName, role = "alone";
        for (const store::Document& candidate : groups) {
            const Group group = TRY(groupFromJson(candidate.body));
            if (group.primary != application.name && group.secondary != application.name) continue;
            groupName = group.name;
            role = group.current == application.name ? "current" : "standby";
        }
        const auto servers = application.servers();
        out.push_back(JsonObject{{"name", application.name},
                                 {"site", application.site},
                                 {"servers", JsonArray(servers.begin(), servers.end())},
                                 {"replicas", replicasInside(context, application)},
                                 {"group", groupName},
                                 {"role", role},
                                 {"maintenance", maintenanceOf(context, application)}});
    }
    return Response{200, JsonObject{{"applications", out}}};
}

Result<Response> putApplication(Context& context, const Call& call) {
    const Application application = TRY(parseDefinition(call.request));
    TRY_VOID(checkSupported(application));
    TRY_VOID(checkReferences(context, application));
    TRY_VOID(checkUses(context, application));
    auto present = TRY(context.store.get("application", application.name));
    return planAndBegin(context, call, application, call.request.body, std::move(present),
                        call.request.parameter("dryRun") == "true");
}

Result<Response> showApplication(Context& context, const Call& call) {
    const store::Document document = TRY(store::getOrFail(context.store, "application", call.parts[0]));
    const Application application = TRY(loadApplication(context, call.parts[0]));
    JsonArray secrets;
    for (const store::Document& secret : TRY(context.store.list("secret")))
        if (secret.id.starts_with(application.name + "/"))
            secrets.emplace_back(secret.id.substr(application.name.size() + 1));
    JsonObject processes, databases, fronts;
    for (const std::string& server : application.servers()) {
        const Json facts = context.fleet.facts(server);
        for (const auto& [key, into] : {std::pair<const char*, JsonObject*>{"processes", &processes},
                                        {"databases", &databases},
                                        {"fronts", &fronts}})
            if (const Json* list = memberAt(facts, key); list && list->is_object())
                for (const auto& member : list->get_object())
                    if (std::string_view(member.key()).starts_with(application.name + "/"))
                        (*into)[std::string_view(member.key()).substr(application.name.size() + 1)] = member.value();
    }
    return Response{200, JsonObject{{"application", applicationToJson(application)},
                                    {"definition", textAt(document.body, "text")},
                                    {"maintenance", maintenanceOf(context, application)},
                                    {"fronts", fronts},
                                    {"processes", processes},
                                    {"databases", databases},
                                    {"replicas", replicasInside(context, application)},
                                    {"secrets", secrets}}};
}

Result<Response> deleteApplication(Context& context, const Call& call) {
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications("", call.parts[0], false));
    return beginRun(context, TRY(plan::planRemoval(snapshot, intentOf(context, call, ""))));
}

Result<Response> putSecret(Context& context, const Call& call) {
    const std::string& application = call.parts[0];
    const std::string& name = call.parts[1];
    TRY(store::getOrFail(context.store, "application", application));
    if (name.empty() || name.size() > 128 ||
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != std::string::npos)
        return fail(ErrorCode::InvalidInput, "'" + name.substr(0, 60) + "' is not the name of a secret",
                    "it becomes an environment variable: A-Z, 0-9 and '_'");
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const Secret value(reader.string("value"));
    TRY_VOID(reader.finish());
    if (value.reveal().size() > limits::environmentValueBytes ||
        value.reveal().find_first_of(std::string_view("\0\n", 2)) != std::string::npos)
        return fail(ErrorCode::InvalidInput, "the secret is longer than 8 KiB or has a line break in it");
    const std::string id = dispatch::ControllerVerbs::secretId(application, name);
    store::Commit change;
    change.puts.push_back({"secret", id, store::anyVersion, JsonObject{{"sealed", context.sealer.seal(value, id)}}});
    return changeSecret(context, call, std::move(change));
}

Result<Response> deleteSecret(Context& context, const Call& call) {
    const std::string id = dispatch::ControllerVerbs::secretId(call.parts[0], call.parts[1]);
    const store::Document document = TRY(store::getOrFail(context.store, "secret", id));
    store::Commit change;
    change.removes.push_back({"secret", id, document.version});
    return changeSecret(context, call, std::move(change));
}

Result<Response> setMaintenance(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const bool on = reader.boolean("on", true);
    const std::string mode = reader.string("mode", "page"), reason = reader.string("reason", "");
    TRY_VOID(reader.finish());
    if (mode != "page")
        return fail(ErrorCode::InvalidInput, "maintenance mode '" + mode.substr(0, 40) + "' is not known",
                    "this release has the mode page");
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications("", call.parts[0], !on));
    if (!snapshot.group.busy.empty())
        return fail(ErrorCode::GroupBusy, snapshot.group.name + " is held by run " + snapshot.group.busy);
    snapshot.from.reset();
    return beginRun(context, TRY(plan::planMaintenance(snapshot, on, intentOf(context, call, reason))));
}

}  // namespace swb::api
