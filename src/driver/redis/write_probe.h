// One write as the application would make it.
#pragma once

#include "base/secret.h"
#include "driver/database_driver.h"

namespace swb::driver::redis {

// A key of ours is set and deleted in one transaction. The user must be permitted keys of the pattern swingbridge:*.
Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context);

}  // namespace swb::driver::redis
