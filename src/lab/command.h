// `swing lab …`: arguments to exit code. 0 done, 1 failed (with `load`: orders are missing or doubled), 2 usage.
#pragma once

#include <string>
#include <vector>

namespace swb::lab {

int runCommand(const std::vector<std::string>& arguments);

}  // namespace swb::lab
