// The agent's own start and stop of servers, outside of any run: the boot guard decides. Whoever started a server, it
// came up closed; it is opened here, once for each start, and only where the guard permits.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

// guardRole: "primary", "replica" or "" (none).
Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context);
Result<void> stopServer(const Instance& instance, const Context& context);

}  // namespace swb::driver::mariadb
