#include "api/route.h"
#include "base/ids.h"
#include "run/table.h"

namespace swb::api {

Result<Response> health(Context& context, const Call&) {
    return Response{200, JsonObject{{"status", "ok"}, {"version", context.version}}};
}

Result<Response> status(Context& context, const Call&) {
    JsonArray endpoints;
    for (const dns::Endpoint& endpoint : context.publisher.server().endpoints())
        endpoints.emplace_back(endpoint.toText());
    return Response{200, JsonObject{{"version", context.version},
                                    {"zone", context.zone},
                                    {"serial", context.publisher.serial()},
                                    {"dns", endpoints},
                                    {"api", context.publicUrl},
                                    {"sites", TRY(context.store.list("site")).size()},
                                    {"servers", TRY(context.store.list("server")).size()},
                                    {"connected", context.fleet.connectedCount()},
                                    {"applications", TRY(context.store.list("application")).size()},
                                    {"groups", TRY(context.store.list("group")).size()},
                                    {"activeRuns", context.conductor.active().size()}}};
}

Result<Response> listTokens(Context& context, const Call&) {
    JsonArray tokens;
    for (const store::Document& document : TRY(context.store.list("token"))) {
        const ApiToken token = TRY(apiTokenFromJson(document.body));
        tokens.push_back(JsonObject{{"id", token.id},
                                    {"name", token.name},
                                    {"role", nameOf(token.role)},
                                    {"expiresAt", token.expiresAt ? Json(isoTime(token.expiresAt)) : Json(nullptr)}});
    }
    return Response{200, JsonObject{{"tokens", tokens}}};
}

Result<Response> addToken(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const std::string name = reader.string("name"), roleName = reader.string("role", "viewer");
    const int64_t days = reader.integer("days", 0);
    TRY_VOID(reader.finish());
    TRY(checkedName("token", name));
    const auto role = roleFromName(roleName);
    if (!role)
        return fail(ErrorCode::InvalidInput, "'" + roleName.substr(0, 40) + "' is not a role",
                    "viewer, operator or admin");
    if (days < 0 || days > 3650) return fail(ErrorCode::InvalidInput, "days must be 0 (never expires) to 3650");
    const UnixMs expiresAt = days ? context.clock.now() + days * 24 * 3600'000 : 0;
    const CreatedToken created = TRY(createToken(context.store, name, *role, expiresAt, call.actorText()));
    return Response{201, JsonObject{{"id", created.id},
                                    {"token", created.secret.reveal()},
                                    {"name", name},
                                    {"role", roleName},
                                    {"expiresAt", expiresAt ? Json(isoTime(expiresAt)) : Json(nullptr)}}};
}

Result<Response> deleteToken(Context& context, const Call& call) {
    size_t admins = 0;
    std::optional<store::Document> found;
    bool foundIsAdmin = false;
    for (const store::Document& document : TRY(context.store.list("token"))) {
        const ApiToken token = TRY(apiTokenFromJson(document.body));
        admins += token.role == Role::admin && !token.expiresAt;
        if (token.id != call.parts[0]) continue;
        found = document;
        foundIsAdmin = token.role == Role::admin && !token.expiresAt;
    }
    if (!found) return fail(ErrorCode::NotFound, "there is no token " + call.parts[0]);
    if (foundIsAdmin && admins == 1)
        return fail(ErrorCode::InUse, "it is the last admin token that does not expire",
                    "create another admin token first");
    store::Commit commit;
    commit.removes.push_back({"token", found->id, found->version});
    commit.events.push_back({"token.deleted", "token/" + call.parts[0], call.actorText(), JsonObject{}});
    TRY(context.store.commit(commit));
    return Response{200, JsonObject{}};
}

Result<Response> applicationSchemaRoute(Context&, const Call&) {
    return Response{200, applicationSchema()};
}

Result<Response> runTable(Context&, const Call&) {
    JsonArray rows;
    for (const run::StateRow& row : run::stateTable())
        rows.push_back(JsonObject{{"from", run::nameOf(row.from)},
                                  {"cause", row.cause},
                                  {"to", run::nameOf(row.to)},
                                  {"sentence", row.sentence}});
    return Response{200, JsonObject{{"rows", rows}, {"mermaid", run::stateTableMermaid()}}};
}

Result<Response> openApiRoute(Context& context, const Call&) {
    return Response{200, openApi(context.version)};
}

}  // namespace swb::api
