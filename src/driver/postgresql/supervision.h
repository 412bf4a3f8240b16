// The agent's own start and stop of servers, outside of any run: the boot guard decides, not the data directory.
#pragma once

#include "driver/postgresql/instance.h"

namespace swb::driver::postgresql {

// guardRole: "primary", "replica" or "" (none).
Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context);
Result<void> stopServer(const Instance& instance, const Context& context);

}  // namespace swb::driver::postgresql
