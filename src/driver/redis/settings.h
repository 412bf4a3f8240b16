// Settings of a running server. What lasts stands in the role file as well; what a switch changes for a moment does
// not.
#pragma once

#include "driver/redis/instance.h"

namespace swb::driver::redis {

using Settings = std::vector<std::pair<std::string, std::string>>;

// In this order where the server cannot take several at once.
Result<void> changeSettings(Connection& connection, const Settings& settings, const Context& context);
Result<std::string> settingOf(Connection& connection, const std::string& name, const Context& context);

// The settings that a switch changes for a moment. Their lasting values are kept in the role file.
constexpr const char* momentarySettings[] = {"repl-ping-replica-period", "min-replicas-to-write",
                                             "min-replicas-max-lag"};
// Takes what the server has now for lasting. Not while a fence or a promotion holds others.
Result<void> keepMomentarySettings(Connection& connection, RoleFile& role, const Context& context);
Settings lastingValues(const RoleFile& role);

}  // namespace swb::driver::redis
