// `swing lab load`: orders through the failover address while things happen to the world, and the score at the end.
#pragma once

#include "base/clock.h"
#include "lab/score.h"
#include "lab/world.h"

namespace swb::lab {

struct LoadRequest {
    int64_t writers = 4;
    double seconds = 0;  // 0: until interrupted
    double rate = 0;     // orders a second, of all writers together; 0: as fast as they are answered
    bool live = false;   // a line of progress on stderr
};

struct LoadReport {
    std::string prefix;
    UnixMs startedAt = 0;
    double startedMs = 0;  // the same moment of the monotonic clock that the score's times are of
    int64_t addressChanges = 0;
    bool interrupted = false;
    Score score;
};

// Fails only when there is nothing to count, or when what was written cannot be read back.
Result<LoadReport> load(const World& world, const LoadRequest& request);

Json toJson(const LoadReport& report);
std::string reportText(const LoadReport& report);

}  // namespace swb::lab
