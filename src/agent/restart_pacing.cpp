#include "agent/restart_pacing.h"

#include <algorithm>

namespace swb::agent {

bool RestartPacing::mayStart(const std::string& process, MonotonicMs now) {
    const std::lock_guard guard(mutex_);
    Entry& entry = entries_[process];
    if (entry.restarts > 0 && now < entry.notBefore) return false;
    const int64_t doublings = std::min<int64_t>(entry.restarts, 10);
    entry.notBefore = now + std::min(pauseMostMs, pauseFirstMs << doublings);
    entry.startedAt = now;
    ++entry.restarts;
    return true;
}

void RestartPacing::sawRunning(const std::string& process, MonotonicMs now) {
    const std::lock_guard guard(mutex_);
    const auto entry = entries_.find(process);
    if (entry != entries_.end() && now - entry->second.startedAt >= steadyMs) entries_.erase(entry);
}

void RestartPacing::forget(const std::string& process) {
    const std::lock_guard guard(mutex_);
    entries_.erase(process);
}

RestartPacing::State RestartPacing::state(const std::string& process, MonotonicMs now) const {
    const std::lock_guard guard(mutex_);
    const auto entry = entries_.find(process);
    if (entry == entries_.end()) return {};
    return {entry->second.restarts, std::max<int64_t>(entry->second.notBefore - now, 0)};
}

}  // namespace swb::agent
