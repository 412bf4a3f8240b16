// A snapshot of what a server holds, put aside before something replaces it.
#pragma once

#include "driver/redis/instance.h"

namespace swb::driver::redis {

// BGSAVE, waited for; then a second name for its file in the server's directory: swingbridge-LABEL-TIME.rdb. The next
// snapshot of the server replaces its own file and leaves this one. Answers its path.
Result<std::string> saveAside(const Instance& instance, Connection& connection, std::string_view label,
                              const Context& context);
Result<void> removeAside(const Instance& instance, const std::string& path);

}  // namespace swb::driver::redis
