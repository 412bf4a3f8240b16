// Being a replica: what a server needs to follow a peer, and seeing that it does.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/server_state.h"
#include "driver/redis/settings.h"

namespace swb::driver::redis {

// Our name at a peer and how we reach one: replication user and password, TLS, announced address. Into the role file,
// and into the server.
Result<void> configureFollowing(const Instance& instance, Connection& connection, RoleFile& role,
                                const Context& context);
// The name under which the source knows this replica: PostgreSQL's replicas tell it, here it is remembered.
Result<void> rememberSlot(const Instance& instance, std::string_view slot);
std::string rememberedSlot(const Instance& instance);
// Waits until the link is up, nothing is copied and the offset is at least this. DeadlineExceeded says what it saw.
Result<ServerState> awaitFollowing(const Instance& instance, Connection& connection, const HostPort& primary,
                                   int64_t offset, const Context& context);

}  // namespace swb::driver::redis
