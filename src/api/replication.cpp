#include "api/route.h"
#include "model/copy.h"

namespace swb::api {
namespace {

struct Asked {
    std::string from, to, database, reason;
    std::vector<std::string> consent;
};

Result<Asked> read(const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    Asked asked;
    asked.from = reader.string("from");
    asked.to = reader.string("to");
    asked.database = reader.string("database", "");
    asked.reason = reader.string("reason", "");
    asked.consent = reader.strings("consent");
    TRY_VOID(reader.finish());
    return asked;
}

// No run holds the group that it concerns: its own, or that of the application it is inside.
Result<void> requireFree(const plan::Snapshot& snapshot) {
    for (const Group& group : snapshot.groups) {
        const bool concerned =
            snapshot.group.name == group.name ||
            (snapshot.owner && (group.primary == snapshot.owner->name || group.secondary == snapshot.owner->name));
        if (concerned && !group.busy.empty())
            return fail(ErrorCode::GroupBusy, group.name + " is held by run " + group.busy,
                        "wait for it: `swing run watch " + group.busy + "`");
    }
    return {};
}

Result<Response> seed(Context& context, const Call& call, bool resync) {
    const Asked asked = TRY(read(call));
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(asked.from, asked.to, true));
    TRY_VOID(requireFree(snapshot));
    std::vector<std::string> databases = plan::commonDatabases(*snapshot.from, *snapshot.to);
    if (!asked.database.empty()) databases = {asked.database};
    return beginRun(context, TRY(plan::planReplication(snapshot, databases, resync, asked.consent,
                                                       intentOf(context, call, asked.reason))));
}

}  // namespace

Result<Response> listReplication(Context& context, const Call&) {
    JsonArray links;
    for (const store::Document& document : TRY(context.store.list("link")))
        links.push_back(linkStatus(context, TRY(linkFromJson(document.body))));
    // A copy that is being made is a link in state `seeding` before it is one.
    for (const run::Run& run : context.conductor.active()) {
        if (run.kind != "replicate" && run.kind != "resync") continue;
        const Json* databases = memberAt(run.subject, "databases");
        if (databases && databases->is_array())
            for (const Json& name : databases->get_array())
                links.push_back(JsonObject{{"from", run.from},
                                           {"to", run.to},
                                           {"database", name},
                                           {"engine", ""},
                                           {"state", nameOf(LinkState::seeding)},
                                           {"lagBytes", nullptr},
                                           {"lagSeconds", nullptr},
                                           {"since", isoTime(run.startedAt)},
                                           {"hint", "`swing run watch " + run.id + "`"}});
    }
    return Response{200, JsonObject{{"links", links}}};
}

Result<Response> enableReplication(Context& context, const Call& call) {
    return seed(context, call, false);
}
Result<Response> resyncReplication(Context& context, const Call& call) {
    return seed(context, call, true);
}

Result<Response> disableReplication(Context& context, const Call& call) {
    const Asked asked = TRY(read(call));
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(asked.from, asked.to, false));
    TRY_VOID(requireFree(snapshot));
    std::vector<std::string> databases;
    for (const Link& link : snapshot.links)
        if (link.from == asked.from && link.to == asked.to &&
            (asked.database.empty() || link.database == asked.database))
            databases.push_back(link.database);
    return beginRun(context, TRY(plan::planDisable(snapshot, databases, intentOf(context, call, asked.reason))));
}

Result<Response> promoteDatabase(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string reason = reader.string("reason", "");
    const plan::Loss loss = reader.boolean("acceptDataLoss", false) ? plan::Loss::accepted : plan::Loss::refused;
    TRY_VOID(reader.finish());
    if (loss == plan::Loss::accepted && reason.empty())
        return fail(ErrorCode::InvalidInput, "a loss of data is accepted with a reason",
                    "Say why (--reason): it stays in the run and in the event log.");
    const std::string &application = call.parts[0], &database = call.parts[1];
    std::string from;
    for (const store::Document& document : TRY(context.store.list("link"))) {
        const Link link = TRY(linkFromJson(document.body));
        if (link.to == application && link.database == database) from = link.from;
    }
    plan::Snapshot snapshot = TRY(context.inspector.ofApplications(from, application, true));
    if (from.empty()) snapshot.from.reset();
    return beginRun(context, TRY(plan::planPromotion(snapshot, database, loss, intentOf(context, call, reason))));
}

}  // namespace swb::api
