// Facts that are costly to read and slow to change: read once a minute for each server, in between as they were.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace swb::driver {

class KeptFacts {
  public:
    // read() answers the facts anew; two that ask at once may both read.
    template <typename Read>
    JsonObject of(const std::string& server, Read read) {
        const MonotonicMs now = SystemClock().monotonic();
        {
            const std::lock_guard lock(mutex_);
            const Entry& entry = entries_[server];
            if (entry.readAt != 0 && now - entry.readAt < keptMs) return entry.facts;
        }
        JsonObject facts = read();
        const std::lock_guard lock(mutex_);
        entries_[server] = {now, facts};
        return facts;
    }

  private:
    static constexpr int64_t keptMs = 60'000;
    struct Entry {
        MonotonicMs readAt = 0;
        JsonObject facts;
    };
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

}  // namespace swb::driver
