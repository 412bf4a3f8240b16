// What a server says about itself: server.inspect, and part of every heartbeat. Reads /proc; nothing here can hang but
// a dead network file system named in `paths`.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace swb::agent {

// paths: whose file systems to report; each file system once.
Json serverFacts(const std::string& agentVersion, const std::vector<std::string>& paths);
// Of the running kernel: changes when the machine starts anew.
std::string bootId();

}  // namespace swb::agent
