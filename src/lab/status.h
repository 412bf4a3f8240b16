// `swing lab status`: where everything is, and what to try with it.
#pragma once

#include "lab/world.h"

namespace swb::lab {

// Never fails for parts that are down: what cannot be known is null.
Json statusOf(const World& world);
std::string statusText(const Json& status);

}  // namespace swb::lab
