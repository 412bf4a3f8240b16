// The steps of `lab up` behind the directory and the addresses: from an empty directory to a group that is ready.
#pragma once

#include "lab/progress.h"
#include "lab/world.h"

namespace swb::lab {

// world.state becomes "up", and is stored, when everything stands.
Result<void> buildWorld(World& world, Progress& progress);

}  // namespace swb::lab
