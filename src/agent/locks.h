// One lock per database ("database:shop-fra/main"), per application ("application:shop-fra") and per front that several
// applications may share, so that two verbs, or a verb and the supervisor, never work on the same thing at once.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/application.h"

namespace swb::agent {

class Locks {
  public:
    // Released when destroyed, by the thread that took it.
    using Held = std::vector<std::pair<std::shared_ptr<std::timed_mutex>, std::unique_lock<std::timed_mutex>>>;

    // All of them, in one order everywhere. Busy when that is not possible by the deadline (SystemClock::monotonic()).
    Result<Held> acquire(std::vector<std::string> names, MonotonicMs deadline);
    // Empty: somebody works on it.
    Held tryAcquire(const std::string& name);

  private:
    std::shared_ptr<std::timed_mutex> lockOf(const std::string& name);

    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<std::timed_mutex>> locks_;
};

// Of the server behind a web front: starting it and writing its configuration exclude each other.
inline std::string frontLock(const WebSpec& web) {
    return "front:" + web.service.config;
}

}  // namespace swb::agent
