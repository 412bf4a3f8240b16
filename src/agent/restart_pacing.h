// How soon a process that keeps ending is started again: at once the first time, then after 1 s, 2 s, 4 s … 60 s. One
// that has run for a minute begins anew, and so does one that a verb was told to apply. Thread-safe; no clock.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace swb::agent {

class RestartPacing {
  public:
    static constexpr int64_t pauseFirstMs = 1'000, pauseMostMs = 60'000, steadyMs = 60'000;

    struct State {
        int64_t restarts = 0;  // in a row
        int64_t nextInMs = 0;  // 0: at once
    };

    // It was found down. True: start it now; the start counts.
    bool mayStart(const std::string& process, MonotonicMs now);
    void sawRunning(const std::string& process, MonotonicMs now);
    void forget(const std::string& process);
    State state(const std::string& process, MonotonicMs now) const;

  private:
    struct Entry {
        int64_t restarts = 0;
        MonotonicMs startedAt = 0, notBefore = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

}  // namespace swb::agent
