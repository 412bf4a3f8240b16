// A fenced old primary becomes the replica of the other site. Its history ends where the new one begins, so it takes
// only what it lacks (a partial resynchronisation). One that went on after the token is refused: a snapshot of what
// only it has is put aside first, and its data is left as it is.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/server_state.h"

namespace swb::driver::redis {

Result<Json> rejoin(const Instance& instance, const Peer& peer, std::string_view slot, const Position& token,
                    const Context& context);

}  // namespace swb::driver::redis
