// The text of redis.conf and of ACL files: lines of words, quoted as Redis quotes them. Edits keep every other line as
// it is. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace swb::driver::redis {

// The words of a line; nothing when quotes are not balanced. Comments and empty lines have none.
std::optional<std::vector<std::string>> wordsOf(std::string_view line);
// One word as it must stand in a line.
std::string quotedWord(std::string_view word);
std::string lineOf(const std::vector<std::string>& words);

// The words behind the last line of that name (lower or upper case), as the server would take it.
std::optional<std::vector<std::string>> lastSetting(std::string_view text, std::string_view name);

// The last line that says anything is `include PATH`; an earlier one of the same path is taken out.
std::string withIncludeLast(std::string_view text, std::string_view path);
bool endsWithInclude(std::string_view text, std::string_view path);

// `user NAME …` once: the line of that user is replaced, added before a final include, or removed (nothing).
std::string withUser(std::string_view text, std::string_view user, const std::optional<std::string>& rules);
// The rules behind `user NAME`; nothing when there is no such line.
std::optional<std::vector<std::string>> userRules(std::string_view text, std::string_view user);

}  // namespace swb::driver::redis
