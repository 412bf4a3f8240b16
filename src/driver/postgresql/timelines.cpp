#include "driver/postgresql/timelines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"

namespace swb::driver::postgresql {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view takeWord(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

// "1	0/302CF90	no recovery target specified": the timeline, where it was left, and why.
Result<std::vector<TimelineOrigin>> parseLines(std::string_view text) {
    std::vector<TimelineOrigin> lines;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::string_view timeline = takeWord(line);
        if (timeline.empty() || timeline.front() == '#') continue;
        TimelineOrigin origin;
        const auto position = parseLsn(takeWord(line));
        const auto [stop, error] = std::from_chars(timeline.begin(), timeline.end(), origin.parent);
        if (error != std::errc() || stop != timeline.end() || !position || origin.parent == 0)
            return fail(ErrorCode::VerificationFailed, "a history line cannot be read");
        origin.switchPoint = *position;
        lines.push_back(origin);
    }
    return lines;
}

}  // namespace

std::string historyFileName(uint32_t timeline) {
    return fmt::format("{:08X}.history", timeline);
}

Result<TimelineOrigin> parseHistory(std::string_view text) {
    const auto lines = TRY(parseLines(text));
    if (lines.empty()) return fail(ErrorCode::VerificationFailed, "the history is empty");
    return lines.back();
}

Result<TimelineOrigin> readHistory(const std::string& dataDirectory, uint32_t timeline) {
    const std::string path = dataDirectory + "/pg_wal/" + historyFileName(timeline);
    auto origin = parseHistory(TRY(readFile(path, 1 << 20)));
    if (!origin) return fail(origin.error().within(path));
    return origin;
}

Result<Timelines> timelinesFrom(std::string_view historyText, uint32_t timeline) {
    Timelines timelines;
    for (const TimelineOrigin& line : TRY(parseLines(historyText))) {
        const bool grows =
            timelines.empty() || (line.parent > timelines.back().timeline && line.switchPoint >= timelines.back().end);
        if (!grows || line.parent >= timeline)
            return fail(ErrorCode::VerificationFailed,
                        fmt::format("the history of timeline {} is not in order", timeline));
        timelines.push_back({line.parent, line.switchPoint});
    }
    timelines.push_back({timeline});
    return timelines;
}

Result<std::optional<Fork>> forkOf(const Timelines& own, const Timelines& others) {
    size_t common = 0;
    while (common < own.size() && common < others.size() && own[common] == others[common]) ++common;
    // The first stretch that differs is still common up to where the earlier of the two left it.
    if (common == own.size()) return std::optional<Fork>();
    if (common == others.size() || own[common].timeline != others[common].timeline) {
        if (common == 0) return fail(ErrorCode::VerificationFailed, "the two servers have no timeline in common");
        // Both left the stretch before at the same place, for different timelines.
        return std::optional<Fork>({own[common - 1].timeline, own[common - 1].end, own[common].timeline});
    }
    const Lsn ownEnd = own[common].end, otherEnd = others[common].end;
    const bool ownLeftFirst = ownEnd < otherEnd;
    return std::optional<Fork>({own[common].timeline, std::min(ownEnd, otherEnd),
                                ownLeftFirst ? own[common + 1].timeline : own[common].timeline});
}

}  // namespace swb::driver::postgresql
