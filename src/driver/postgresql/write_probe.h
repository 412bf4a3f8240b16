// One small committed write, the way the application itself comes in: by the address that its environment names, with
// its own user.
#pragma once

#include "driver/database_driver.h"

namespace swb::driver::postgresql {

// A transaction that takes an id and commits is written to the WAL, without needing a table.
Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context);

}  // namespace swb::driver::postgresql
