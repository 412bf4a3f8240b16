#include "dns/transfer/notify_session.h"

#include <algorithm>
#include <array>

#include "dns/message.h"
#include "dns/protocol.h"
#include "dns/serial.h"

namespace swb::dns::transfer {
namespace {

// A lost packet is made good soon; a secondary that is down is not hammered. RFC 1996 §3.6 has a minute.
constexpr std::array<int64_t, 8> notifyAgainMs = {500, 1000, 2000, 5000, 15'000, 30'000, 60'000, 60'000};
constexpr int notifyMax = 60;  // about an hour: then its own refresh must do
constexpr std::array<int64_t, 7> askAgainMs = {20, 50, 100, 250, 1000, 5000, 15'000};
constexpr int askMax = 60;
constexpr int64_t watchMs = 60'000;  // one that vanishes is known before the next switch needs it

template <size_t size>
int64_t delay(const std::array<int64_t, size>& delays, int attempt) {
    return delays[std::min(static_cast<size_t>(attempt), size - 1)];
}

}  // namespace

void NotifySession::zoneChanged(uint32_t serial, MonotonicMs now) {
    if (wanted_ == serial) return;
    wanted_ = serial;
    state_.changedAt = now;
    state_.convergedAfterMs.reset();
    state_.gaveUp = false;
    state_.problem.clear();
    beginNotifying(now);
}

void NotifySession::beginNotifying(MonotonicMs now) {
    phase_ = Phase::notifying;
    wakeAt_ = now;
    asked_ = 0;
    refused_ = false;
    state_.attempts = 0;
}

void NotifySession::watch(MonotonicMs now) {
    phase_ = Phase::watching;
    wakeAt_ = now + watchMs;
}

NotifySession::Send NotifySession::next(MonotonicMs now) {
    if (!wakeAt_ || *wakeAt_ > now) return Send::nothing;
    ++state_.unanswered;
    if (phase_ == Phase::notifying && state_.attempts < notifyMax) {
        // One that refuses NOTIFY may get the zone by its own refresh: every second message asks whether it has.
        const bool isQuestion = refused_ && state_.attempts % 2 == 0;
        wakeAt_ = now + delay(notifyAgainMs, state_.attempts++);
        return isQuestion ? Send::askSerial : Send::notify;
    }
    if (phase_ == Phase::asking && asked_ < askMax) {
        wakeAt_ = now + delay(askAgainMs, asked_++);
        return Send::askSerial;
    }
    state_.gaveUp |= phase_ == Phase::notifying;
    watch(now);
    return Send::askSerial;
}

// A refusal will not turn into consent by repeating at once, but the secondary may be being configured: the back-off
// goes on.
void NotifySession::acknowledged(uint32_t serial, uint16_t rcode, MonotonicMs now) {
    state_.unanswered = 0;
    if (rcode != rcode::noError) {
        refused_ = true;
        state_.problem = "it answers NOTIFY with " + rcodeToText(rcode);
        return;
    }
    state_.acknowledged = serial;
    if (phase_ != Phase::notifying || wanted_ != serial) return;
    state_.problem.clear();
    phase_ = Phase::asking;
    asked_ = 0;
    wakeAt_ = now;
}

void NotifySession::answered(std::optional<uint32_t> serial, uint16_t rcode, MonotonicMs now) {
    state_.unanswered = 0;
    state_.seen = serial;
    state_.serialProblem = serial                    ? ""
                           : rcode == rcode::noError ? "it answers without the zone's SOA"
                                                     : "it answers " + rcodeToText(rcode) + " when asked for the SOA";
    if (!wanted_) return;
    if (serial && !isNewerSerial(*wanted_, *serial)) {
        if (serial == wanted_ && !state_.convergedAfterMs) state_.convergedAfterMs = now - state_.changedAt;
        watch(now);
    } else if (phase_ == Phase::watching) {
        beginNotifying(now);
    }
}

}  // namespace swb::dns::transfer
