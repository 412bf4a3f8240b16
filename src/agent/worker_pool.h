// A bounded number of threads for work that blocks. Threads are started when needed and wait for more work after.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace swb::agent {

class WorkerPool {
  public:
    explicit WorkerPool(size_t threadsMax) : threadsMax_(threadsMax) {}
    ~WorkerPool();  // waits for what runs; what still waits is dropped
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void submit(std::function<void()> work);
    // False, and nothing is done, when work of this name has not ended yet: a thing that hangs is not asked twice.
    bool submitOnce(const std::string& name, std::function<void()> work);
    // True when nothing waits or runs any more.
    bool awaitIdle(MonotonicMs deadline);

  private:
    void loop();

    const size_t threadsMax_;
    std::mutex mutex_;
    std::condition_variable wake_, idle_;
    std::deque<std::function<void()>> waiting_;
    std::set<std::string> names_;
    std::vector<std::thread> threads_;
    size_t running_ = 0;
    bool stopping_ = false;
};

}  // namespace swb::agent
