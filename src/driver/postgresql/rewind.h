// A server whose history parted from the source's is wound back to the fork by pg_rewind instead of being copied anew.
// It happens under the name of a copy, never under the data directory's own:
//
//     DATA renamed DATA.swingbridge-new ─▶ recovered in single-user mode if it did not end cleanly ─▶ dry run ─▶
//     pg_rewind ─▶ checked: its backup label and the log that it needs ─▶ (site configuration and swap: seed.cpp)
//
// So a half-rewound directory is where no service manager, boot script or agent starts a server. One that was
// interrupted is thrown away and a base copy made.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/postgresql/timelines.h"
#include "driver/support/seed_places.h"

namespace swb::driver::postgresql {

// Why this server cannot be rewound to the peer, found without changing anything; empty when it can be tried. Waits for
// the peer's first checkpoint after its promotion: before it pg_rewind finds nothing to do, and is wrong.
Result<std::string> reasonAgainstRewind(const Instance& instance, const Peer& peer, const Context& context);

enum class RewindEnd {
    rewound,
    refused,  // by its dry run: the data is what it was
    broken    // begun and not ended: only a copy helps
};
struct RewindOutcome {
    RewindEnd end = RewindEnd::rewound;
    std::string reason;
};
// The server is down and its data directory has the name places.fresh.
Result<RewindOutcome> rewind(const Instance& instance, const SeedPlaces& places, const Peer& peer,
                             const Context& context);

// START WAL LOCATION of a backup label: the first segment file that the server will read.
std::string firstSegmentOf(std::string_view backupLabel);

}  // namespace swb::driver::postgresql
