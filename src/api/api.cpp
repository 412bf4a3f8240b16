#include "api/api.h"

#include "api/route.h"
#include "base/ids.h"
#include "base/log.h"
#include "crypto/token.h"

namespace swb::api {
namespace {

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& parts) {
    parts.clear();
    for (;;) {
        const size_t patternEnd = pattern.find('/', 1), pathEnd = path.find('/', 1);
        const std::string_view wanted = pattern.substr(0, patternEnd), given = path.substr(0, pathEnd);
        if (wanted.size() > 2 && wanted[1] == '{') {
            if (given.size() < 2) return false;
            parts.emplace_back(given.substr(1));
        } else if (wanted != given) {
            return false;
        }
        if (patternEnd == std::string_view::npos || pathEnd == std::string_view::npos) return patternEnd == pathEnd;
        pattern.remove_prefix(patternEnd);
        path.remove_prefix(pathEnd);
    }
}

bool permits(Role role, Access access) {
    switch (access) {
        case Access::open:
            return true;
        case Access::viewer:
            return true;
        case Access::operator_:
            return role == Role::operator_ || role == Role::admin;
        case Access::admin:
            return role == Role::admin;
    }
    return false;
}

Response errorResponse(const Error& error) {
    return {httpStatus(error.code), JsonObject{{"error", errorToJson(error)}}};
}

}  // namespace

std::string Request::parameter(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return {};
}

Result<Json> Call::json() const {
    if (request.body.empty()) return Json(JsonObject{});
    return parseJson(request.body, limits::bodyBytes);
}

Api::Api(Context context) : context_(std::move(context)) {}

Result<Actor> Api::authenticate(const std::string& authorization) {
    constexpr std::string_view scheme = "Bearer ";
    if (!std::string_view(authorization).starts_with(scheme) || authorization.size() > 512)
        return fail(ErrorCode::Unauthenticated, "the request has no bearer token",
                    "give one with --token, SWING_TOKEN or the configuration file");
    const std::string hash = crypto::hashToken(Secret(authorization.substr(scheme.size())));
    // The document's id is the hash: looking it up tells nothing about other tokens.
    const auto document = TRY(context_.store.get("token", hash));
    if (!document) return fail(ErrorCode::Unauthenticated, "the token is not known", "was it deleted?");
    const ApiToken token = TRY(apiTokenFromJson(document->body));
    if (token.expiresAt && token.expiresAt <= context_.clock.now())
        return fail(ErrorCode::Unauthenticated, "the token expired at " + isoTime(token.expiresAt),
                    "ask an admin for a new one");
    return Actor{"token/" + token.name, token.role};
}

Response Api::handle(const Request& request) {
    auto response = dispatch(request);
    if (!response) {
        logInfo("api", "{} {} from {}: {}", request.method, request.path, request.remoteAddress,
                describe(response.error()));
        return errorResponse(response.error());
    }
    return std::move(*response);
}

Result<Response> Api::dispatch(const Request& request) {
    bool pathExists = false;
    std::vector<std::string> parts;
    for (const Route& route : routes()) {
        if (!matches(route.pattern, request.path, parts)) continue;
        pathExists = true;
        if (route.method != request.method) continue;
        Actor actor{"anyone", Role::viewer};
        if (route.access != Access::open) {
            actor = TRY(authenticate(request.authorization));
            if (!permits(actor.role, route.access))
                return fail(ErrorCode::Forbidden,
                            actor.name + " is a " + std::string(nameOf(actor.role)) + " and may not " +
                                std::string(route.summary),
                            "use a token with a higher role");
        }
        return route.handle(context_, Call{request, std::move(actor), std::move(parts)});
    }
    // Whoever has no token learns nothing about which paths exist.
    TRY(authenticate(request.authorization));
    if (pathExists)
        return Response{405, JsonObject{{"error", errorToJson(Error(ErrorCode::InvalidInput,
                                                                    request.method + " is not possible here"))}}};
    return fail(ErrorCode::NotFound, "there is nothing at " + request.path.substr(0, 200),
                "GET /v1/openapi.json lists the routes");
}

Result<CreatedToken> createToken(store::Store& store, const std::string& name, Role role, UnixMs expiresAt,
                                 const std::string& actor) {
    Secret secret(newSecretToken());
    ApiToken token;
    token.id = newId("t");
    token.hash = crypto::hashToken(secret);
    token.name = name;
    token.role = role;
    token.expiresAt = expiresAt;
    store::Commit commit;
    commit.puts.push_back({"token", token.hash, store::mustNotExist, toJson(token)});
    commit.events.push_back(
        {"token.created", "token/" + token.id, actor, JsonObject{{"name", name}, {"role", nameOf(role)}}});
    TRY(store.commit(commit));
    return CreatedToken{token.id, std::move(secret)};
}

}  // namespace swb::api
