// `swingd run`: opens everything in order, serves until told to stop.
#pragma once

#include <string>

#include "base/result.h"

namespace swb {

struct RunRequest {
    std::string directory;
    std::string readyFile;  // written with the ports taken once everything serves; empty: none
};

// Returns after SIGTERM or SIGINT, or with the error that kept it from starting.
Result<void> runDaemon(const RunRequest& request);
// A copy of the store that a new controller can start from.
Result<void> backupStore(const std::string& directory, const std::string& target);

}  // namespace swb
