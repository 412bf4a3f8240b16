// Where the failover address points, as a client on some computer sees it: an answer is kept for its TTL, and asked
// anew when something went wrong with it. Shared by all writers; thread-safe.
#pragma once

#include <mutex>
#include <string>

#include "lab/world.h"

namespace swb::lab {

class FailoverResolver {
  public:
    explicit FailoverResolver(const World& world) : world_(world) {}

    // "127.0.10.1:8080", the web front of the site that the name server answered.
    Result<std::string> peer();
    // What peer() answered did not work: it is not kept any longer.
    void distrust(const std::string& peer);
    int64_t changes() const;  // how often the answer was another one

  private:
    const World& world_;
    mutable std::mutex mutex_;
    std::string peer_, last_;
    double validUntil_ = 0, notBefore_ = 0;
    int64_t changes_ = 0;
};

}  // namespace swb::lab
