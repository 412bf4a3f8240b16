// argv to exit code. The only file that knows CLI11 is the one behind this.
#pragma once

#include <string>
#include <vector>

namespace swb::swing {

int runCommandLine(const std::vector<std::string>& arguments);

}  // namespace swb::swing
