// `swing lab …`: a two-site world on loopback. Its arguments are its own and are handed over as they are.
#pragma once

#include <string>
#include <vector>

namespace swb::swing {

// arguments: those after `lab`. Returns the exit code.
int labCommand(const std::vector<std::string>& arguments);

}  // namespace swb::swing
