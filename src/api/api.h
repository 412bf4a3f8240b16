// The API: one route table → who may, which handler. Requests become intents; nothing here talks to agents or
// databases.
//
//     Request ──► authenticate (token → role) ──► Route ──► handler ──► documents, or a planner and Conductor::begin
//
// docs/protocol/api.md describes every route; openapi.json and the permissions come from the same table.
// Handlers may block for some seconds (they wait for facts) and run on a worker pool. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dispatch/conductor.h"
#include "dispatch/inspector.h"
#include "dispatch/link_watch.h"
#include "dispatch/local_verbs.h"
#include "dispatch/publisher.h"
#include "dispatch/secondary_views.h"
#include "dispatch/zone_signers.h"

namespace swb::api {

struct Request {
    std::string method, path;
    std::vector<std::pair<std::string, std::string>> query;
    std::string contentType;
    std::string authorization;  // header value
    std::string body;
    std::string remoteAddress;

    std::string parameter(std::string_view name) const;
};

struct Response {
    int status = 200;
    Json body;
};

struct Actor {
    std::string name;  // "token/admin"
    Role role = Role::viewer;
};

// What a handler gets: the request, who asks, and the {…} parts of the path.
struct Call {
    const Request& request;
    Actor actor;
    std::vector<std::string> parts;

    Result<Json> json() const;  // the body as an object; empty body: {}
    std::string actorText() const {
        return actor.name + (request.remoteAddress.empty() ? "" : " from " + request.remoteAddress);
    }
};

struct Context {
    store::Store& store;
    dispatch::Fleet& fleet;
    dispatch::Conductor& conductor;
    dispatch::Inspector& inspector;
    dispatch::LinkWatch& links;
    dispatch::Publisher& publisher;
    dispatch::ZoneSigners& signers;
    const crypto::CertificateAuthority& authority;
    const crypto::Sealer& sealer;
    const Clock& clock;
    std::string zone;
    std::string publicUrl;
    std::string version;
    dispatch::Publications* publications = nullptr;         // null: this controller publishes nothing elsewhere
    const dispatch::SecondaryViews* secondaries = nullptr;  // null: it has none
};

class Api {
  public:
    explicit Api(Context context);
    Response handle(const Request& request);
    // For the event stream, which the server answers itself: may this token read events?
    Result<Actor> authenticate(const std::string& authorization);

  private:
    Result<Response> dispatch(const Request& request);
    Context context_;
};

struct CreatedToken {
    std::string id;
    Secret secret;
};
// Answers the token in clear, this once, and stores its hash.
Result<CreatedToken> createToken(store::Store& store, const std::string& name, Role role, UnixMs expiresAt,
                                 const std::string& actor);

}  // namespace swb::api
