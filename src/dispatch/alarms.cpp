#include "dispatch/alarms.h"

#include <algorithm>
#include <chrono>

namespace swb::dispatch {
namespace {

constexpr int64_t lookAgainMs = 1000;  // the clock may have been set

}  // namespace

Alarms::~Alarms() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Alarms::set(const std::string& id, UnixMs at, std::function<void()> ring) {
    const std::lock_guard lock(mutex_);
    alarms_[id] = {at, std::move(ring)};
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    wake_.notify_all();
}

bool Alarms::cancel(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return alarms_.erase(id) > 0;
}

void Alarms::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto first = std::min_element(alarms_.begin(), alarms_.end(), [](const auto& left, const auto& right) {
            return left.second.at < right.second.at;
        });
        if (first == alarms_.end()) {
            wake_.wait(lock);
            continue;
        }
        const int64_t left = first->second.at - clock_.now();
        if (left > 0) {
            wake_.wait_for(lock, std::chrono::milliseconds(std::min(left, lookAgainMs)));
            continue;
        }
        const auto ring = std::move(first->second.ring);
        alarms_.erase(first);
        lock.unlock();
        ring();
        lock.lock();
    }
}

}  // namespace swb::dispatch
