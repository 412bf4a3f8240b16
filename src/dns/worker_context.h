// What the workers of one server share, and the part of it that each thread keeps for itself: its view of the time, the
// day's cookie secrets, its rate limiter.
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dns/answer_context.h"

namespace swb::dns {

class PeerHandler;

struct AnswerSettings {
    std::vector<CookieKey> cookieKeys;  // empty: no cookies
    std::string nsid;
    RateLimitOptions rateLimit;
    PeerHandler* peers = nullptr;
    const ZoneFreshness* freshness = nullptr;
    std::atomic<bool> zoneIsStale{false};
};

class WorkerContext {
  public:
    // Only answers over UDP are limited.
    WorkerContext(const AnswerSettings& settings, Transport transport);
    WorkerContext(const WorkerContext&) = delete;
    WorkerContext& operator=(const WorkerContext&) = delete;

    // Reads the clocks: once for each batch.
    void refresh();
    const AnswerContext& forClient(const IpAddress& client) {
        context_.client = client;
        return context_;
    }
    // What TCP clients that ask are told about idle connections.
    void setIdleTimeout(int64_t ms) {
        context_.keepaliveTenths = static_cast<uint16_t>(std::clamp<int64_t>(ms / 100, 0, UINT16_MAX));
    }
    PeerHandler* peers() const { return settings_.peers; }
    uint64_t overLimit() const { return limiter_ ? limiter_->overLimit() : 0; }

  private:
    const AnswerSettings& settings_;
    SystemClock clock_;
    CookieSecrets secrets_;
    std::optional<RateLimiter> limiter_;
    AnswerContext context_;
};

}  // namespace swb::dns
