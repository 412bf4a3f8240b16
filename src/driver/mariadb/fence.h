// Fencing a primary that runs on: nobody can write to it, whatever their rights, and the token says where its history
// ends.
//
//     accounts recorded ─▶ accounts locked ─▶ global read lock held ─▶ sessions ended ─▶ read_only ─▶ position = token
//
// Three things hold it, each against what the others miss. The global read lock stops every write at once, those of
// accounts with every right and of open transactions too, and lives as long as this process. The locked accounts keep
// everybody out when it has died. read_only is also in the option file: a server that is restarted, by whomever, comes
// up so. unfence() is the way back, and is open until rejoin() has begun.
#pragma once

#include "driver/mariadb/instance.h"
#include "driver/mariadb/server_state.h"
#include "driver/mariadb/token.h"

namespace swb::driver::mariadb {

Result<Token> fence(const Instance& instance, int64_t epoch, const Context& context);
// Ends with a primary that accepts writes.
Result<void> unfence(const Instance& instance, const Context& context);

// A fence was begun here and not lifted.
bool hasFence(const Instance& instance);
// Without a token: a server that its boot guard does not permit to be a primary.
Result<void> closeToEverybody(const Instance& instance, const Context& context);
// What is left of a fence on a server that follows a source, or is to be opened: the lock and the locked accounts.
Result<void> liftFence(const Instance& instance, Connection& connection, const Context& context);
// Read-only, nobody admitted, and recorded as such.
Result<bool> isFenced(const Instance& instance, const ServerState& state, Connection& connection,
                      const Context& context);

}  // namespace swb::driver::mariadb
