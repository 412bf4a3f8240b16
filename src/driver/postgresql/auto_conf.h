// postgresql.auto.conf of a server that is down, where ALTER SYSTEM cannot be used. Lines of other settings, comments
// and include order stay exactly as they were; a setting is replaced everywhere it occurs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swb::driver::postgresql {

// The effective value: the last one set. Names compare without case, as the server does.
std::optional<std::string> autoConfValue(std::string_view text, std::string_view name);
// The text with the setting at this value, or without it (nullopt). Values with line breaks or zero bytes cannot be
// written: control characters become spaces.
std::string withAutoConfValue(std::string_view text, std::string_view name, const std::optional<std::string>& value);

}  // namespace swb::driver::postgresql
