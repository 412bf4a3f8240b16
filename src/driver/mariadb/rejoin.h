// A fenced old primary becomes the replica of the other site: its history ends exactly where the new primary's goes on.
// A server that went on after the token is refused; what only it has is saved and named.
#pragma once

#include "driver/mariadb/instance.h"
#include "driver/mariadb/token.h"

namespace swb::driver::mariadb {

Result<Json> rejoin(const Instance& instance, const Peer& peer, const SwitchToken& token, const Context& context);

// Of a server that knows whom to follow: its threads start, those that apply in parallel.
Result<void> startReplicating(const Instance& instance, Connection& connection, const Context& context);
// The replica follows the peer from where it is; both threads are seen running.
Result<void> awaitStreaming(const Instance& instance, Connection& connection, const Peer& peer, const Context& context);
// Refused with IdentityMismatch: two servers of one number take each other's transactions for their own.
Result<void> checkServerIds(int64_t own, int64_t peers);

}  // namespace swb::driver::mariadb
