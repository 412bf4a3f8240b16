// FACTS of the verbs' document: what a server says of itself, or what its files say while it is down. Two round trips
// answer all of it.
#pragma once

#include <map>
#include <mutex>

#include "driver/redis/instance.h"

namespace swb::driver::redis {

// How fast histories grow, from one look at a server to the next.
class WriteRates {
  public:
    // Bytes a second since the last look; 0 at the first.
    int64_t of(const std::string& server, const std::string& history, int64_t offset);

  private:
    struct Look {
        std::string history;
        int64_t offset = 0;
        double at = 0;
        int64_t rate = 0;
    };
    std::mutex mutex_;
    std::map<std::string, Look> looks_;
};

Json inspectInstance(const Instance& instance, const Peer* peer, WriteRates& rates, const Context& context);
// For a server of which not even the data directory can be found.
Json factsOfNothing(const DatabaseSpec& spec, const Error& error);

}  // namespace swb::driver::redis
