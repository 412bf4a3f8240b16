#include "net/reconnect.h"

#include <algorithm>

namespace swb::net {

ReconnectPolicy::ReconnectPolicy() : ReconnectPolicy(Settings{}) {}

ReconnectPolicy::ReconnectPolicy(Settings settings, Random random)
    : settings_(settings), random_(std::move(random)), nextDelayMs_(settings.firstDelayMs) {}

void ReconnectPolicy::connected(MonotonicMs now) {
    connected_ = true;
    connectedAt_ = now;
}

int64_t ReconnectPolicy::lost(MonotonicMs now) {
    if (connected_ && now - connectedAt_ >= settings_.stableAfterMs) {
        nextDelayMs_ = settings_.firstDelayMs;
        quickUntil_ = now + settings_.quickForMs;
    }
    connected_ = false;
    if (now < quickUntil_) return jittered(settings_.firstDelayMs);
    const int64_t delay = nextDelayMs_;
    nextDelayMs_ = std::min(delay * 2, settings_.longestDelayMs);
    return jittered(delay);
}

int64_t ReconnectPolicy::jittered(int64_t delayMs) {
    const int64_t half = delayMs / 2;
    return delayMs - half + random_(static_cast<uint32_t>(half + 1));
}

}  // namespace swb::net
