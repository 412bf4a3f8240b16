// The controller's API as seen from outside: requests over TLS with the authority's certificate or pin checked, answers
// as JSON, everything that can go wrong as an Error whose class tells what may have happened. A changing request that
// was sent and not answered has an unknown outcome, never a failed one. Redirects are not followed, nothing is retried.
// Ctrl-C (an InterruptGuard's) ends a request at once. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "swing/event_reader.h"
#include "swing/settings.h"

namespace swb::swing {

// A path of the API, its parts percent-encoded: Path("groups") / name / "switch".
class Path {
  public:
    explicit Path(std::string_view first) : text_("/v1/" + std::string(first)) {}
    Path operator/(std::string_view part) const;
    // Adds a query parameter; an empty value is left out.
    Path with(std::string_view key, std::string_view value) const;
    const std::string& text() const { return text_; }

  private:
    std::string text_;
    bool hasQuery_ = false;
};

enum class Effect { none, changes };

struct ApiRequest {
    std::string method = "GET";
    Path path;
    std::string body = {};
    std::string contentType = "application/json";
    Effect effect = Effect::none;
};

class ApiClient {
  public:
    static Result<std::unique_ptr<ApiClient>> create(ConnectionSettings settings);
    ~ApiClient();
    ApiClient(const ApiClient&) = delete;
    ApiClient& operator=(const ApiClient&) = delete;

    const std::string& url() const { return settings_.url; }

    Result<Json> send(const ApiRequest& request);
    Result<Json> get(const Path& path);
    Result<Json> post(const Path& path, const Json& body, Effect effect = Effect::changes);
    Result<Json> put(const Path& path, const Json& body);
    Result<Json> patch(const Path& path, const Json& body);
    Result<Json> remove(const Path& path);

    // Reads an event stream until it ends, fails, or is interrupted (both of the latter two are errors).
    Result<void> stream(const Path& path, const std::function<void(const ServerEvent&)>& onEvent);

  private:
    struct Handles;
    struct Transfer;

    explicit ApiClient(ConnectionSettings settings);
    Result<void> prepare(const ApiRequest& request, Transfer& transfer);
    Result<void> perform(const ApiRequest& request, Transfer& transfer);
    Error transferError(int code, bool mayHaveHappened, const Transfer& transfer) const;

    ConnectionSettings settings_;
    std::unique_ptr<Handles> handles_;
};

}  // namespace swb::swing
