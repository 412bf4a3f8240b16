// lab.json: the world as it was made, so that every command finds it again.
#pragma once

#include "lab/world.h"

namespace swb::lab {

// ~/.local/state/swingbridge-lab, below $XDG_STATE_HOME when that is set; of root, whose home nobody else may enter,
// /var/lib/swingbridge-lab.
std::string defaultDirectory();
// Absolute, without "." and ".." and links, as far as it exists.
Result<std::string> normalDirectory(const std::string& directory);

// NotFound when there is no lab.
Result<World> loadWorld(const std::string& directory);
Result<void> storeWorld(const World& world);
// Everything outside of which nothing of this lab lies.
std::vector<std::string> ownDirectories(const World& world);

std::string holdFile(const std::string& directory, const std::string& program);
std::string environmentFile(const std::string& directory, const std::string& program);

}  // namespace swb::lab
