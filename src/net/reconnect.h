// When to dial again: a pure policy, no sockets and no clock.
//
// A controller that restarts is back within a second or two, and a switch may be waiting for this agent. So after the
// loss of a connection that worked, attempts follow quickly for a few seconds; only then the delays double up to the
// longest. A connection that is refused or falls at once gets no quick attempts: it is not a restart. Delays are drawn
// from [half, whole], so that a fleet does not dial in step.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/ids.h"

namespace swb::net {

class ReconnectPolicy {
  public:
    struct Settings {
        int64_t firstDelayMs = 100;
        int64_t longestDelayMs = 5'000;
        int64_t quickForMs = 3'000;   // after the loss of a stable connection: attempts every firstDelayMs
        int64_t stableAfterMs = 200;  // a connection that lasted this long worked: who is turned away is so at once
    };
    // random: a uniform number in [0, bound).
    using Random = std::function<uint32_t(uint32_t bound)>;

    ReconnectPolicy();
    explicit ReconnectPolicy(Settings settings, Random random = randomBelow);

    // An attempt succeeded.
    void connected(MonotonicMs now);
    // An attempt failed, or the connection was lost: how many milliseconds to wait before the next attempt.
    int64_t lost(MonotonicMs now);

  private:
    int64_t jittered(int64_t delayMs);

    Settings settings_;
    Random random_;
    int64_t nextDelayMs_;
    bool connected_ = false;
    MonotonicMs connectedAt_ = 0;
    MonotonicMs quickUntil_ = 0;
};

}  // namespace swb::net
