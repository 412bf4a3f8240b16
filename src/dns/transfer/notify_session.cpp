#include "dns/transfer/notify_session.h"

#include <algorithm>
#include <array>

#include "dns/protocol.h"
#include "dns/serial.h"

namespace swb::dns::transfer {
namespace {

// A lost packet is made good soon; a secondary that is down is not hammered. RFC 1996 §3.6 has a minute.
constexpr std::array<int64_t, 8> notifyAgainMs = {500, 1000, 2000, 5000, 15'000, 30'000, 60'000, 60'000};
constexpr int notifyMax = 60;  // about an hour: then its own refresh must do
constexpr std::array<int64_t, 7> askAgainMs = {20, 50, 100, 250, 1000, 5000, 15'000};
constexpr int askMax = 60;

template <size_t size>
int64_t delay(const std::array<int64_t, size>& delays, int attempt) {
    return delays[std::min(static_cast<size_t>(attempt), size - 1)];
}

}  // namespace

void NotifySession::zoneChanged(uint32_t serial, MonotonicMs now) {
    if (wanted_ == serial) return;
    wanted_ = serial;
    phase_ = Phase::notifying;
    wakeAt_ = now;
    asked_ = 0;
    state_.changedAt = now;
    state_.convergedAfterMs.reset();
    state_.attempts = 0;
    state_.gaveUp = false;
    state_.problem.clear();
}

NotifySession::Send NotifySession::next(MonotonicMs now) {
    if (!wakeAt_ || *wakeAt_ > now) return Send::nothing;
    if (phase_ == Phase::notifying) {
        if (state_.attempts == notifyMax) {
            phase_ = Phase::idle;
            wakeAt_.reset();
            state_.gaveUp = true;
            return Send::nothing;
        }
        wakeAt_ = now + delay(notifyAgainMs, state_.attempts++);
        return Send::notify;
    }
    if (phase_ != Phase::asking || asked_ == askMax) {
        phase_ = Phase::idle;
        wakeAt_.reset();
        return Send::nothing;
    }
    wakeAt_ = now + delay(askAgainMs, asked_++);
    return Send::askSerial;
}

// A refusal will not turn into consent by repeating at once, but the secondary may be being configured: the back-off
// goes on.
void NotifySession::acknowledged(uint32_t serial, uint16_t rcode, MonotonicMs now) {
    if (rcode != rcode::noError) {
        state_.problem = "RCODE " + std::to_string(rcode) + " to NOTIFY";
        return;
    }
    state_.acknowledged = serial;
    if (phase_ != Phase::notifying || wanted_ != serial) return;
    state_.problem.clear();
    phase_ = Phase::asking;
    asked_ = 0;
    wakeAt_ = now;
}

void NotifySession::answered(std::optional<uint32_t> serial, MonotonicMs now) {
    if (!serial) return;
    state_.seen = serial;
    if (!wanted_ || isNewerSerial(*wanted_, *serial)) return;
    if (!state_.convergedAfterMs) state_.convergedAfterMs = now - state_.changedAt;
    if (phase_ != Phase::asking) return;
    phase_ = Phase::idle;
    wakeAt_.reset();
}

}  // namespace swb::dns::transfer
