// The empty-restart guard. A primary with a replica starts as a replica of nothing (role_file.h) and is promoted only
// when its data came back: otherwise its replica, which has everything, would copy the loss within a second.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/server_state.h"

namespace swb::driver::redis {

// What a running primary has, for the check after its next start: place in its history, keys. Written by inspection,
// about once a second, and whenever its history changes its name. Without a backlog no replica has been there yet: its
// snapshots name no place, nothing can be wiped, and nothing is remembered.
Result<void> rememberData(const Instance& instance, const Info& info);
Result<void> rememberData(const Instance& instance, Connection& connection, const Context& context);

// The snapshot that was loaded goes at least as far as what is remembered; or an append-only file was loaded, which
// names no place but is the administrator's word for what is enough, and it is not empty. ReplicaNotReady otherwise.
Result<void> checkDataCameBack(const Instance& instance, Connection& connection, const Context& context);

// The check, then REPLICAOF NO ONE of a held server.
Result<void> promoteHeld(const Instance& instance, Connection& connection, const Context& context);

}  // namespace swb::driver::redis
