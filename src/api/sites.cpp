#include "api/route.h"
#include "base/ids.h"
#include "crypto/token.h"

namespace swb::api {
namespace {

constexpr int64_t agentCertificateHours = 24 * 30;

Json serverJson(const Context& context, const Server& server) {
    const plan::AgentView view = context.fleet.view(server.name);
    const UnixMs seen = context.fleet.lastSeen(server.name);
    return JsonObject{{"name", server.name},
                      {"site", server.site},
                      {"connected", view.connected},
                      {"agentVersion", view.version},
                      {"joinedAt", isoTime(server.joinedAt)},
                      {"lastSeenAt", seen ? Json(isoTime(seen)) : Json(nullptr)},
                      {"clockSkewMs", view.clockSkewMs},
                      {"verbs", JsonArray(view.verbs.begin(), view.verbs.end())}};
}

}  // namespace

Result<Response> listSites(Context& context, const Call&) {
    JsonArray sites;
    for (const store::Document& document : TRY(context.store.list("site"))) {
        const Site site = TRY(siteFromJson(document.body));
        JsonArray servers;
        for (const store::Document& server : TRY(context.store.list("server")))
            if (textAt(server.body, "site") == site.name) servers.emplace_back(server.id);
        sites.push_back(JsonObject{{"name", site.name}, {"title", site.title}, {"servers", servers}});
    }
    return Response{200, JsonObject{{"sites", sites}}};
}

Result<Response> addSite(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    Site site{reader.string("name"), reader.string("title", "")};
    TRY_VOID(reader.finish());
    TRY(checkedName("site", site.name));
    if (site.title.size() > 200) return fail(ErrorCode::InvalidInput, "the title is longer than 200 characters");
    if (TRY(context.store.get("site", site.name)))
        return fail(ErrorCode::AlreadyExists, "the site " + site.name + " exists");
    store::Commit commit;
    commit.puts.push_back({"site", site.name, store::mustNotExist, toJson(site)});
    commit.events.push_back({"site.added", "site/" + site.name, call.actorText(), JsonObject{{"title", site.title}}});
    TRY(context.store.commit(commit));
    return Response{201, JsonObject{{"site", toJson(site)}}};
}

Result<Response> deleteSite(Context& context, const Call& call) {
    const std::string& name = call.parts[0];
    const store::Document document = TRY(store::getOrFail(context.store, "site", name));
    for (const std::string_view kind : {"server", "application"})
        for (const store::Document& other : TRY(context.store.list(kind)))
            if (textAt(other.body, "site") == name)
                return fail(ErrorCode::InUse, "the " + std::string(kind) + " " + other.id + " is at the site " + name,
                            "delete it first");
    store::Commit commit;
    commit.removes.push_back({"site", name, document.version});
    commit.events.push_back({"site.deleted", "site/" + name, call.actorText(), JsonObject{}});
    TRY(context.store.commit(commit));
    return Response{200, JsonObject{}};
}

Result<Response> listServers(Context& context, const Call&) {
    JsonArray servers;
    for (const store::Document& document : TRY(context.store.list("server")))
        servers.push_back(serverJson(context, TRY(serverFromJson(document.body))));
    return Response{200, JsonObject{{"servers", servers}}};
}

Result<Response> createJoinToken(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    JoinToken token;
    token.server = reader.string("server");
    token.site = reader.string("site");
    const int64_t minutes = reader.integer("minutes", limits::joinTokenMs / 60'000);
    TRY_VOID(reader.finish());
    TRY(checkedName("server", token.server));
    TRY(store::getOrFail(context.store, "site", token.site));
    if (minutes < 1 || minutes > 7 * 24 * 60) return fail(ErrorCode::InvalidInput, "minutes must be 1 to 10080");
    const Secret secret(newSecretToken());
    token.hash = crypto::hashToken(secret);
    token.expiresAt = context.clock.now() + minutes * 60'000;
    store::Commit commit;
    commit.puts.push_back({"join-token", token.hash, store::mustNotExist, toJson(token)});
    commit.events.push_back({"server.token", "server/" + token.server, call.actorText(),
                             JsonObject{{"site", token.site}, {"expiresAt", isoTime(token.expiresAt)}}});
    TRY(context.store.commit(commit));
    return Response{201,
                    JsonObject{{"token", secret.reveal()},
                               {"server", token.server},
                               {"site", token.site},
                               {"expiresAt", isoTime(token.expiresAt)},
                               {"controller", context.publicUrl},
                               {"authorityFingerprint", TRY(crypto::fingerprint(context.authority.certificatePem()))}}};
}

// Once only, not expired, for one name: the token decides which server this is, the request only proves its key.
Result<Response> join(Context& context, const Call& call) {
    const Json body = TRY(call.json());
    JsonReader reader(body);
    const Secret secret(reader.string("token"));
    const std::string request = reader.string("request");
    // What the server would call itself; the token decides its name.
    const std::string suggested = reader.string("name", "").substr(0, 253);
    TRY_VOID(reader.finish());
    const std::string hash = crypto::hashToken(secret);
    const auto document = TRY(context.store.get("join-token", hash));
    if (!document)
        return fail(ErrorCode::JoinTokenRejected, "the join token is not known",
                    "create one with `swing server token`");
    JoinToken token = TRY(joinTokenFromJson(document->body));
    if (token.usedAt)
        return fail(ErrorCode::JoinTokenRejected, "the join token was used before",
                    "create a new one with `swing server token`");
    if (token.expiresAt <= context.clock.now())
        return fail(ErrorCode::JoinTokenRejected, "the join token expired at " + isoTime(token.expiresAt),
                    "create a new one with `swing server token`");
    crypto::SignRequest wanted;
    wanted.commonName = token.server;
    wanted.usage = crypto::CertificateUsage::client;
    wanted.lifetimeHours = agentCertificateHours;
    const std::string certificate = TRY(context.authority.sign(request, wanted));
    token.usedAt = context.clock.now();
    Server server{token.server, token.site, context.clock.now(), TRY(crypto::fingerprint(certificate))};
    store::Commit commit;
    commit.puts.push_back({"join-token", hash, document->version, toJson(token)});
    commit.puts.push_back({"server", server.name, store::anyVersion, toJson(server)});
    commit.events.push_back(
        {"server.joined", "server/" + server.name, "agent/" + server.name + " from " + call.request.remoteAddress,
         JsonObject{{"site", server.site}, {"fingerprint", server.certificateFingerprint}, {"hostname", suggested}}});
    auto committed = context.store.commit(commit);
    if (!committed && committed.error().code == ErrorCode::Conflict)
        return fail(ErrorCode::JoinTokenRejected, "the join token was used at this very moment",
                    "create a new one with `swing server token`");
    if (!committed) return fail(committed.error());
    return Response{200, JsonObject{{"server", server.name},
                                    {"site", server.site},
                                    {"certificate", certificate},
                                    {"authority", context.authority.certificatePem()},
                                    {"controller", context.publicUrl}}};
}

Result<Response> deleteServer(Context& context, const Call& call) {
    const std::string& name = call.parts[0];
    const store::Document document = TRY(store::getOrFail(context.store, "server", name));
    for (const store::Document& other : TRY(context.store.list("application"))) {
        const Application application = TRY(loadApplication(context, other.id));
        for (const std::string& server : application.servers())
            if (server == name)
                return fail(ErrorCode::InUse, "the application " + other.id + " uses the server " + name,
                            "delete the application or move it first");
    }
    store::Commit commit;
    commit.removes.push_back({"server", name, document.version});
    commit.events.push_back({"server.deleted", "server/" + name, call.actorText(), JsonObject{}});
    TRY(context.store.commit(commit));
    context.fleet.disconnect(name, "the server was deleted");
    return Response{200, JsonObject{}};
}

}  // namespace swb::api
