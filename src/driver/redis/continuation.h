// A held server that loaded its snapshot knows its place in the history, but has no backlog: promoted as it is, it
// could not tell its replicas that they have everything, and each would copy the whole data set again. A server makes
// its backlog when a primary lets it continue. So for a moment the agent is that primary: it listens on a loopback
// port, answers the handshake, says CONTINUE at the server's own place, and sends nothing.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/server_state.h"

namespace swb::driver::redis {

// Then the server is promoted (REPLICAOF NO ONE) in the same moment. Fails without harm: the server is still held.
Result<void> promoteWithHistory(const Instance& instance, Connection& connection, const Position& position,
                                const Context& context);

}  // namespace swb::driver::redis
