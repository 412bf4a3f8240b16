// Where this server parted from another of its origin: by their history files, which name the forks between timelines,
// and by the bytes of their logs, where both wrote on one timeline.
#pragma once

#include <optional>

#include "driver/postgresql/instance.h"
#include "driver/postgresql/timelines.h"

namespace swb::driver::postgresql {

// By the newest history file of which this server has log.
Result<Timelines> ownTimelines(const Instance& instance);

// Where this server's history left the peer's, also where no history file shows it; nothing when it is another system
// or goes on on the peer's timeline.
Result<std::optional<Fork>> forkFrom(const Instance& instance, const Peer& peer, const Context& context);

constexpr const char* quarantineRecord = "quarantine";
// This server ran as a primary where it had to be a replica, and comes up as a standby now: until a seed replaces it,
// it follows nobody, for its own log must not be overwritten by the other's of the same positions.
Result<void> quarantine(const Instance& instance);

}  // namespace swb::driver::postgresql
