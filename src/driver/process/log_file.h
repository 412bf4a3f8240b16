// The log of a process that writes it itself, without us in between (it must not notice our end). So it is kept small
// by copying and cutting: the process appends, and goes on at the beginning of the emptied file.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace swb::driver {

constexpr int64_t processLogBytesMax = 4 << 20;  // of the file and of its one predecessor

// Over the limit: its last bytes become <path>.1 and the file is emptied.
Result<void> limitLog(const std::string& path, int64_t bytesMax = processLogBytesMax);
// The last lines, for a message: at most this many bytes of printable text on one line.
std::string logTail(const std::string& path, size_t bytesMax = 300);

}  // namespace swb::driver
