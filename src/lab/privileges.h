// Root starts a lab, but nothing of a lab runs as root: PostgreSQL refuses to, and nothing needs it.
#pragma once

#include "driver/support/os_user.h"

namespace swb::lab {

// wanted: from --user, or empty: swingbridge-lab, postgres or nobody, the first that exists. For other users than root
// it is themselves, and anything else is refused.
Result<driver::OsUser> labUser(const std::string& wanted);

// This process becomes that user for good, with no groups but the user's primary one and no capability but, where the
// kernel grants it, CAP_SYS_NICE: agents raise their databases' priority while a switch keeps writes waiting.
// Nothing happens unless it is root. Only before threads are started.
Result<void> becomeUser(const driver::OsUser& user);

// Could that user execute the file? Asked as that user, so by every directory on the way too.
bool mayExecute(const driver::OsUser& user, const std::string& path);
bool mayEnter(const driver::OsUser& user, const std::string& directory);

}  // namespace swb::lab
