#include "agent/locks.h"

#include <algorithm>
#include <chrono>

namespace swb::agent {

std::shared_ptr<std::timed_mutex> Locks::lockOf(const std::string& name) {
    const std::lock_guard guard(mutex_);
    auto& lock = locks_[name];
    if (!lock) lock = std::make_shared<std::timed_mutex>();
    return lock;
}

Result<Locks::Held> Locks::acquire(std::vector<std::string> names, MonotonicMs deadline) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    Held held;
    for (const auto& name : names) {
        auto lock = lockOf(name);
        std::unique_lock<std::timed_mutex> taken(*lock, std::defer_lock);
        const auto patience = std::chrono::milliseconds(std::max<int64_t>(deadline - SystemClock().monotonic(), 0));
        if (!taken.try_lock_for(patience))
            return fail(ErrorCode::Busy, "another command works on " + name.substr(name.find(':') + 1),
                        "wait until it has ended");
        held.emplace_back(std::move(lock), std::move(taken));
    }
    return held;
}

Locks::Held Locks::tryAcquire(const std::string& name) {
    Held held;
    auto lock = lockOf(name);
    std::unique_lock<std::timed_mutex> taken(*lock, std::try_to_lock);
    if (taken.owns_lock()) held.emplace_back(std::move(lock), std::move(taken));
    return held;
}

}  // namespace swb::agent
