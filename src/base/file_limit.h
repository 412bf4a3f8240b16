// How many descriptors this program may have open. Systems start services with a soft limit of 1,024 for the sake of
// old programs that use select(); ours do not, and a controller of many agents needs more.
#pragma once

#include <cstdint>
#include <string_view>

namespace swb {

constexpr uint64_t fileLimitLow =
    4096;  // below this a warning: 1,024 HTTP connections, as many agents, the name server

struct FileLimit {
    uint64_t before = 0;  // soft limit that the program was started with: what programs it starts should have
    uint64_t now = 0;
};

// Raises the soft limit to the hard one, and says so in the log when it stays low. Call it once, before other threads.
FileLimit raiseFileLimit(std::string_view component);
// As found by raiseFileLimit; 0 when that was never called: nothing was changed.
uint64_t fileLimitAtStart();

}  // namespace swb
