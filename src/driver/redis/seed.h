// Copies a primary to this site. The engine itself does the copy (a full synchronisation over TLS); the old data serves
// reads until it has arrived. What is done around it:
//
//     peer tested ─▶ old data put aside as a snapshot ─▶ role file: following ─▶ REPLICAOF ─▶ copy, with progress
//         ─▶ streaming seen ─▶ snapshot removed, unless the server was a primary: then only that file has its writes
//
// The copy goes on while the agent is away; the next call finds it under way, or done. The source is never restarted.
#pragma once

#include "driver/redis/instance.h"

namespace swb::driver::redis {

Result<Json> seed(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context);

}  // namespace swb::driver::redis
