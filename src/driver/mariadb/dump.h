// A copy of a whole primary over nothing but its port: mariadb-dump with the replication user's certificate, one
// consistent snapshot, and the position it was taken at.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

// Writes the dump to the file, with progress; answers the position. estimatedBytes: 0 when unknown.
Result<std::string> dumpPeer(const Instance& instance, const Peer& peer, const std::string& file,
                             int64_t estimatedBytes, const Context& context);

// The position in a dump's text: MariaDB has it in a comment near its *end*, though not at it, MySQL in one before all
// data. The one next to that end of the text counts, whatever the data say. Empty when there is none.
std::string positionAtEndOfDump(std::string_view tail);
std::string positionAtBeginOfDump(std::string_view head);
// The dump's last line, without which it is cut off.
bool isCompleteDump(std::string_view text);

// Whether a dump failed because tables came, changed or went while it was made: another one may succeed.
bool tablesChanged(std::string_view errors);

// Data and indexes of all tables of a server, by its own statistics.
Result<int64_t> estimatedBytes(Connection& connection, MonotonicMs deadline);

}  // namespace swb::driver::mariadb
