// The file from which an application's processes read their environment again: systemd's EnvironmentFile syntax, one
// KEY=value for each variable, quoted where a value holds more than plain characters.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace swb::driver {

using Environment = std::map<std::string, std::string>;

std::string renderEnvironmentFile(const Environment& environment);
// What a process starts with: a minimal PATH, HOME and LANG of ours, then the application's, then its own.
// environmentFile: announced as SWINGBRIDGE_ENVIRONMENT_FILE.
Environment processEnvironment(const Environment& application, const Environment& own,
                               const std::string& environmentFile);
// Refuses names that are no variable names and values with a NUL: they would change other variables.
Result<void> checkEnvironment(const Environment& environment);
// Order-independent, and free of collisions between keys and values.
std::string environmentHash(const Environment& environment);

}  // namespace swb::driver
