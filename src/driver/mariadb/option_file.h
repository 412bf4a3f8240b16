// The server's option files, as text. Ours is a file of its own in the agent's state directory, read last through one
// marked line at the end of the server's: what stands in the server's own stays byte for byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace swb::driver::mariadb {

using Options = std::vector<std::pair<std::string, std::string>>;

// Our file: one group, name = value lines.
Options optionsOf(std::string_view text);
std::string optionText(const Options& options);
std::optional<std::string> optionIn(const Options& options, std::string_view name);
void setOption(Options& options, std::string_view name, std::string_view value);

// The server's file with the marked block at its end that includes ours, whatever block it had; an empty path: without.
std::string withInclude(std::string_view text, std::string_view path);
bool includes(std::string_view text, std::string_view path);

}  // namespace swb::driver::mariadb
