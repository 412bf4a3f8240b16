// The promotion token of a primary: the last place of its history. Its replication id is the identity.
#pragma once

#include "driver/database_driver.h"
#include "driver/redis/server_state.h"

namespace swb::driver::redis {

Result<Position> parseToken(const Token& token);
Token makeToken(const DatabaseSpec& spec, const Position& end, int64_t epoch, UnixMs at);

}  // namespace swb::driver::redis
