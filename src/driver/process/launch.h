// Starts one process that outlives this program, as its child in a session of its own.
//
// A process must never run unrecorded: an agent that was killed between starting and recording would start it a second
// time. So the child waits until the record is on disk; if this program dies first, the child ends without a word.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "driver/support/os_user.h"
#include "driver/support/process_identity.h"

namespace swb::driver {

struct Launch {
    std::vector<std::string> command;  // [0]: a path, relative ones from the directory; a bare name is found by PATH
    std::string directory;
    std::map<std::string, std::string> environment;  // all of it
    std::string logFile;                             // stdout and stderr are appended
    std::optional<OsUser> user;                      // becomes this user and its groups; only root can
};

// record: called with the child's identity before the command runs. CommandFailed when it cannot be executed.
Result<ProcessIdentity> launch(const Launch& what, const std::function<Result<void>(const ProcessIdentity&)>& record);

// "ended with exit status 3", "was ended by signal 9"; empty while it runs, or when it was not this program's child.
std::string howItEnded(const ProcessIdentity& process);

}  // namespace swb::driver
