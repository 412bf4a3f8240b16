// The agent's own start, and its looks at a server after that: it should run, in the role that the boot guard and the
// role file say. This is also who promotes a held primary after its restart, once its data is seen to have come back.
#pragma once

#include "driver/redis/instance.h"

namespace swb::driver::redis {

Result<Json> ensureRunning(const Instance& instance, std::string_view guardRole, const Context& context);
Result<void> stopServer(const Instance& instance, const Context& context);

}  // namespace swb::driver::redis
