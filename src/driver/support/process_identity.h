// A process is its pid and its start time: pids are reused, the pair is not. Signals go through a pidfd, checked.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace swb::driver {

struct ProcessIdentity {
    pid_t pid = 0;
    uint64_t startTicks = 0;  // field 22 of /proc/PID/stat: clock ticks since boot
    bool operator==(const ProcessIdentity&) const = default;
};

// Nothing when there is no such process or it is a zombie.
std::optional<ProcessIdentity> processIdentity(pid_t pid);
bool isAlive(const ProcessIdentity& process);
// True when it was sent to exactly that process.
bool sendSignal(const ProcessIdentity& process, int signalNumber);
// Waits for its end; false when it is still there at the deadline (SystemClock::monotonic()).
bool awaitExit(const ProcessIdentity& process, MonotonicMs deadline);
// Its children that are alive now.
std::vector<ProcessIdentity> childrenOf(const ProcessIdentity& process);
// Processes that were started with exactly this argument: leftovers of a program whose parent was killed.
std::vector<ProcessIdentity> processesWithArgument(const std::string& argument);
// When it was started, in seconds since 1970 (accurate to about a second).
int64_t startedAtSeconds(const ProcessIdentity& process);

}  // namespace swb::driver
