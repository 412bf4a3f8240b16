// Values as people read them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace swb::swing {

// "0 B", "16.0 MiB"
std::string humanBytes(int64_t bytes);
// "87 ms", "4.2 s", "3 min 5 s", "2 h 4 min", "3 d 2 h"
std::string humanMilliseconds(int64_t milliseconds);
// "2026-11-22T10:15:30.123Z" → "2026-11-22 10:15:30"; "-" for what is empty.
std::string shortTime(std::string_view iso);
// Milliseconds from one ISO time to another; -1 when either is absent.
int64_t millisecondsBetween(std::string_view isoFrom, std::string_view isoTo);

// Columns on a terminal: UTF-8 counted by character, wide scripts not considered (names are ASCII by rule).
size_t textWidth(std::string_view text);
std::string padded(std::string_view text, size_t width);
// At most `width` columns, ending in "…" or "..." when something was cut.
std::string clipped(std::string_view text, size_t width, bool unicode);
// Without control characters: what comes over the network never steers the terminal.
std::string printable(std::string_view text);

// A member as a cell: strings as they are, numbers as digits, "yes"/"no", "-" for null, absent or empty.
std::string cell(const Json& object, std::string_view key);
// Words of an array of strings, comma separated; "-" when empty.
std::string joinedCell(const Json& object, std::string_view key);

}  // namespace swb::swing
