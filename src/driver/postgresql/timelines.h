// Timelines: every promotion begins a new one, and a history file says where each was left for the next. Two servers
// of one origin share their history up to a point; what one of them has beyond it, the other never had.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "driver/postgresql/lsn.h"

namespace swb::driver::postgresql {

// Where a timeline began: parent and switch point.
struct TimelineOrigin {
    uint32_t parent = 0;
    Lsn switchPoint = 0;
};
// From the last line of pg_wal/<timeline>.history.
Result<TimelineOrigin> parseHistory(std::string_view text);
Result<TimelineOrigin> readHistory(const std::string& dataDirectory, uint32_t timeline);

// One stretch of a server's history: a timeline and where it was left; the last one is still being written.
struct TimelineSpan {
    uint32_t timeline = 0;
    Lsn end = ~Lsn{0};
    bool operator==(const TimelineSpan&) const = default;
};
using Timelines = std::vector<TimelineSpan>;

// The timeline and its ancestors, oldest first; the text of its history file is empty for timeline 1.
Result<Timelines> timelinesFrom(std::string_view historyText, uint32_t timeline);

struct Fork {
    uint32_t timeline = 0;  // of the last common stretch
    Lsn position = 0;       // where the two parted
    uint32_t after = 0;     // the timeline on which the first server went on from there
    bool inHistory = true;  // false: only the bytes of the log show it; pg_rewind would not see it
    bool exact = true;      // false: they parted somewhere after the position
    bool operator==(const Fork&) const = default;
};
// Where two histories part, seen from `own`; nothing while one goes on on the other's last timeline. VerificationFailed
// when they have no timeline in common.
Result<std::optional<Fork>> forkOf(const Timelines& own, const Timelines& others);

std::string historyFileName(uint32_t timeline);

}  // namespace swb::driver::postgresql
