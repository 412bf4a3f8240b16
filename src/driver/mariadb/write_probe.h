// One small committed write, the way the application itself comes in: by the address that its environment names, with
// its own user.
#pragma once

#include "driver/database_driver.h"

namespace swb::driver::mariadb {

Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context);

}  // namespace swb::driver::mariadb
