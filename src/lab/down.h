// `swing lab down`: nothing is left, whatever state the lab is in.
#pragma once

#include "lab/world.h"

namespace swb::lab {

// Ends the supervisor, which ends everything else; then what is left of it, by what the processes are; then removes the
// directory. A lab that is not there is NotFound.
Result<void> removeLab(const std::string& directory);

}  // namespace swb::lab
