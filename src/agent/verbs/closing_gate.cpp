#include "agent/verbs/closing_gate.h"

#include <chrono>
#include <utility>

namespace swb::agent {

void ClosingGate::Place::arrive() {
    if (std::exchange(arrived_, true)) return;
    const std::lock_guard lock(gate_.mutex_);
    --gate_.missing_;
    gate_.changed_.notify_all();
}

Result<void> ClosingGate::Place::pass(const std::function<bool()>& cancelled, MonotonicMs deadline) {
    constexpr std::chrono::milliseconds look{5};  // how long a cancellation may go unnoticed
    arrive();
    std::unique_lock lock(gate_.mutex_);
    while (!gate_.changed_.wait_for(lock, look, [this] { return gate_.missing_ == 0; })) {
        if (cancelled()) break;
        if (SystemClock().monotonic() >= deadline)
            return fail(ErrorCode::Interrupted, "another database was not ready to be fenced in time",
                        "Nothing was closed. Look at the databases that do not answer.");
    }
    lock.unlock();
    if (cancelled()) return fail(ErrorCode::Interrupted, "stopped before writes were taken away");
    return {};
}

}  // namespace swb::agent
