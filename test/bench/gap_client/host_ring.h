// The servers of a target in the order in which they are tried: after each failed attempt the next one is first.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "model/address.h"

namespace swb::bench {

class HostRing {
  public:
    // Every text is HOST:PORT: problemOf() has seen to it.
    explicit HostRing(const std::vector<std::string>& texts) {
        for (const std::string& text : texts)
            if (auto host = parseHostPort(text)) hosts_.push_back(std::move(*host));
    }
    const HostPort& first() const { return hosts_.front(); }
    void rotate() { std::rotate(hosts_.begin(), hosts_.begin() + 1, hosts_.end()); }

  private:
    std::vector<HostPort> hosts_;
};

}  // namespace swb::bench
