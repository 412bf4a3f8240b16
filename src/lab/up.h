// `swing lab up`.
#pragma once

#include "lab/world.h"

namespace swb::lab {

struct UpRequest {
    std::string directory;        // empty: the default one
    std::string user;             // empty: chosen
    std::string code;             // directory of the example application; empty: the one that came with the programs
    std::vector<Engine> engines;  // empty: PostgreSQL, or those of the lab that runs already
    bool replicas = false;        // a replica of each database inside each application
    bool quiet = false;
};

struct UpResult {
    World world;
    bool wasRunning = false;
    double seconds = 0;
};

// Ends with a group that is ready to be switched, or with an error; what was built until then stays to be looked at,
// and the next `up` or `down` removes it. A process of root's becomes an unprivileged user on the way, for good.
Result<UpResult> up(const UpRequest& request);

}  // namespace swb::lab
