// The first copy of a primary: a fresh data directory beside the old one, filled from a dump by a server that nobody
// else can reach, swapped in by two renames, started as a replica. Old data goes when the copy streams. Killed
// anywhere, the next call goes on.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

// What an attempt that failed or was killed has copied so far is of no use: the next one begins anew. Not while a seed
// runs. A copy that is complete stays, for the next attempt to finish.
Result<void> discardHalfCopy(const Instance& instance);
Result<Json> seed(const Instance& instance, std::string_view application, const Peer& peer, std::string_view slot,
                  const Context& context);

}  // namespace swb::driver::mariadb
