#include "dns/worker_context.h"

#include <sodium.h>

namespace swb::dns {

WorkerContext::WorkerContext(const AnswerSettings& settings, Transport transport) : settings_(settings) {
    context_.transport = transport;
    context_.nsid = settings_.nsid;
    context_.freshness = settings_.freshness;
    if (transport != Transport::udp || settings_.rateLimit.answersPerSecond == 0) return;
    uint64_t seed = 0;
    randombytes_buf(&seed, sizeof(seed));
    context_.limiter = &limiter_.emplace(settings_.rateLimit, seed);
}

void WorkerContext::refresh() {
    context_.unixSeconds = static_cast<uint32_t>(clock_.now() / 1000);
    context_.monotonicMs = clock_.monotonic();
    context_.zoneIsStale = settings_.zoneIsStale.load(std::memory_order_relaxed);
    if (settings_.cookieKeys.empty()) return;
    if (!secrets_.isFor(context_.unixSeconds))
        secrets_ = CookieSecrets::derive(settings_.cookieKeys, context_.unixSeconds);
    context_.cookies = &secrets_;
}

}  // namespace swb::dns
