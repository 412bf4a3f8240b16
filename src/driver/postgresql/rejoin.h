// A fenced old primary becomes the replica of the other site, without a rewind: its log ends exactly where the new
// timeline begins. A server whose log went on after the token is refused and left as it is: what only it has must be
// saved before anything overwrites it.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/postgresql/token.h"

namespace swb::driver::postgresql {

Result<Json> rejoin(const Instance& instance, const Peer& peer, std::string_view slot, const SwitchToken& token,
                    const Context& context);

// Settings of a replica of ours in postgresql.auto.conf, for a server that is down.
Result<void> writeReplicaSettings(const Instance& instance, const Peer& peer, std::string_view slot);
// Waits until the receiver streams from the peer and replay has passed the position; no longer than `stallMs` while
// nothing is streamed and nothing replayed.
Result<void> awaitStreaming(const Instance& instance, Connection& connection, const Peer& peer, Lsn position,
                            const Context& context, int64_t stallMs = INT64_MAX);

}  // namespace swb::driver::postgresql
