// What the acknowledgement log and the table together say about a series of switches.
//
//   log (time, writer, tag) --+
//   windows (start, end)  ----+--> score --> gap per window, lost, doubled
//   tags read at the end  ----+
//
// Pure: text in, numbers out. It never talks to a server, so that it can be tested with invented logs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace swb::bench {

struct Acknowledgement {
    double atMs = 0;  // monotonic
    int writer = 0;
    std::string tag;
};

// From the command to switch until it was reported done, monotonic.
struct Window {
    double startMs = 0;
    double endMs = 0;
};

struct WindowScore {
    double gapMs = 0;             // longest time without a success of any writer
    double worstWriterGapMs = 0;  // longest time one of the writers had to wait
    double gapStartMs = 0;        // last success before the gap, monotonic
    double gapEndMs = 0;          // first success after it
    bool closed = false;          // false: no success after the window, the gaps are only lower bounds
};

struct TableScore {
    size_t acknowledged = 0;
    size_t rows = 0;
    size_t unacknowledgedRows = 0;     // written, but the reply was lost: neither lost nor doubled
    std::vector<std::string> lost;     // acknowledged, and not in the table
    std::vector<std::string> doubled;  // more than once in the table
};

// One acknowledgement a line: "<monotonic ms> <writer> <tag>".
Result<std::vector<Acknowledgement>> parseLog(std::string_view text);
// One window a line: "<start ms> <end ms>".
Result<std::vector<Window>> parseWindows(std::string_view text);
std::vector<std::string_view> parseTags(std::string_view text);

// The log must be in the order of time. A gap counts for a window when it overlaps it.
WindowScore scoreWindow(const std::vector<Acknowledgement>& log, const Window& window);
TableScore scoreTable(const std::vector<Acknowledgement>& log, const std::vector<std::string_view>& tags);

// At most this many lost or doubled tags are named in the report; the counts are always whole.
constexpr size_t namedTagsMax = 20;
Json toJson(const std::vector<WindowScore>& windows, const TableScore& table);

}  // namespace swb::bench
