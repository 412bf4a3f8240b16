// Telling one secondary about one zone, as a machine without sockets: what to send when, what a reply means.
//
//     zoneChanged(serial) ─▶ notify ─▶ (no reply: again, later and later) ─▶ acknowledged
//                                        └─▶ ask for the SOA until the secondary has the serial ─▶ converged
//                                                                          ask every minute ◀──────┘
//
// The last part never ends: a secondary that has gone away, or come back without the zone, is seen, and told again.
// Times are of a monotonic clock, in milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace swb::dns::transfer {

class NotifySession {
  public:
    enum class Send : uint8_t { nothing, notify, askSerial };

    struct State {
        std::optional<uint32_t> acknowledged;     // serial of the last NOTIFY it took
        std::optional<uint32_t> seen;             // serial it answered when asked last
        MonotonicMs changedAt = 0;                // when the newest serial came to be
        std::optional<int64_t> convergedAfterMs;  // from then until it answered that serial
        int attempts = 0;                         // NOTIFYs sent for the newest serial
        bool gaveUp = false;
        int unanswered = 0;         // messages sent since it replied last, to whatever it was
        std::string problem;        // what it said to the last NOTIFY, when that was no
        std::string serialProblem;  // the same when it was asked for the SOA
    };

    void zoneChanged(uint32_t serial, MonotonicMs now);
    // When to call next() at the latest; nothing: not before something happens.
    std::optional<MonotonicMs> wakeAt() const { return wakeAt_; }
    Send next(MonotonicMs now);
    void acknowledged(uint32_t serial, uint16_t rcode, MonotonicMs now);
    // serial: nothing when the reply had no SOA.
    void answered(std::optional<uint32_t> serial, uint16_t rcode, MonotonicMs now);

    std::optional<uint32_t> wanted() const { return wanted_; }
    const State& state() const { return state_; }

  private:
    enum class Phase : uint8_t { notifying, asking, watching };

    void beginNotifying(MonotonicMs now);
    void watch(MonotonicMs now);

    std::optional<uint32_t> wanted_;
    Phase phase_ = Phase::watching;
    int asked_ = 0;
    bool refused_ = false;
    std::optional<MonotonicMs> wakeAt_;
    State state_;
};

}  // namespace swb::dns::transfer
