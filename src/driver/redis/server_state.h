// What a server says of its own replication, at one moment.
#pragma once

#include "driver/redis/connection.h"
#include "model/address.h"

namespace swb::driver::redis {

// A place in a history of writes. Two servers that have the same one have the same data.
struct Position {
    std::string id;  // replication id
    int64_t offset = -1;

    std::string text() const { return id + ":" + std::to_string(offset); }
    bool operator==(const Position&) const = default;
};
std::optional<Position> parsePosition(std::string_view text);

struct ServerState {
    bool primary = false;
    Position position;  // of a replica: what it has applied
    // Before its own: the history that it had followed, and the last place that both have in common. Offset -1: none.
    Position former;
    std::string failover;  // "no-failover", or what a FAILOVER of somebody is doing
    // Of a replica.
    HostPort follows;
    bool linkUp = false;   // and nothing is being copied
    bool copying = false;  // a full synchronisation
    int64_t copiedBytes = 0, copyBytes = 0;
    int64_t receivedOffset = -1;
    int64_t silentSeconds = -1;  // since the primary was heard last

    static ServerState of(const Info& info);
};

Result<ServerState> readState(Connection& connection, MonotonicMs deadline);

}  // namespace swb::driver::redis
