#include "agent/worker_pool.h"

#include <algorithm>
#include <chrono>

namespace swb::agent {

WorkerPool::~WorkerPool() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
        waiting_.clear();
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void WorkerPool::submit(std::function<void()> work) {
    const std::lock_guard guard(mutex_);
    if (stopping_) return;
    waiting_.push_back(std::move(work));
    if (running_ + waiting_.size() > threads_.size() && threads_.size() < threadsMax_)
        threads_.emplace_back([this] { loop(); });
    wake_.notify_one();
}

bool WorkerPool::submitOnce(const std::string& name, std::function<void()> work) {
    {
        const std::lock_guard guard(mutex_);
        if (!names_.insert(name).second) return false;
    }
    submit([this, name, work = std::move(work)] {
        work();
        const std::lock_guard guard(mutex_);
        names_.erase(name);
    });
    return true;
}

bool WorkerPool::awaitIdle(MonotonicMs deadline) {
    std::unique_lock lock(mutex_);
    const auto patience = std::chrono::milliseconds(std::max<int64_t>(deadline - SystemClock().monotonic(), 0));
    return idle_.wait_for(lock, patience, [this] { return waiting_.empty() && running_ == 0; });
}

void WorkerPool::loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) return;
        auto work = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
        if (--running_ == 0 && waiting_.empty()) idle_.notify_all();
    }
}

}  // namespace swb::agent
