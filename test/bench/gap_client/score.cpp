#include "gap_client/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>

namespace swb::bench {

namespace {

// Calls `take` for every line that is not empty; it returns false to stop.
template <typename Take>
void forEachLine(std::string_view text, Take take) {
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (!line.empty() && !take(line)) return;
    }
}

std::string_view nextWord(std::string_view& line) {
    const size_t end = line.find(' ');
    const std::string_view word = line.substr(0, end);
    line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
    return word;
}

template <typename Number>
bool parseNumber(std::string_view word, Number& number) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc() && end == word.data() + word.size();
}

// The largest of the intervals between successive times (sorted) that overlap the window.
struct LargestGap {
    double startMs = 0;
    double endMs = 0;
    bool closed = true;

    void consider(double from, double to) {
        if (to - from > endMs - startMs) {
            startMs = from;
            endMs = to;
        }
    }
};

template <typename TimesOf>
LargestGap largestGap(const std::vector<Acknowledgement>& log, const Window& window, TimesOf belongs) {
    LargestGap gap;
    double previous = window.startMs;  // a writer that never succeeded before waits from the start
    bool beyond = false;
    for (const Acknowledgement& entry : log) {
        if (!belongs(entry)) continue;
        if (entry.atMs >= window.startMs) gap.consider(previous, entry.atMs);
        previous = entry.atMs;
        beyond = entry.atMs > window.endMs;
        if (beyond) break;
    }
    if (!beyond) {
        gap.consider(previous, window.endMs);
        gap.closed = false;
    }
    return gap;
}

JsonArray named(const std::vector<std::string>& tags) {
    JsonArray array;
    for (size_t i = 0; i < std::min(tags.size(), namedTagsMax); ++i) array.emplace_back(tags[i]);
    return array;
}

}  // namespace

Result<std::vector<Acknowledgement>> parseLog(std::string_view text) {
    std::vector<Acknowledgement> log;
    std::string_view bad;
    forEachLine(text, [&](std::string_view line) {
        Acknowledgement entry;
        std::string_view rest = line;
        if (!parseNumber(nextWord(rest), entry.atMs) || !parseNumber(nextWord(rest), entry.writer) || rest.empty()) {
            bad = line;
            return false;
        }
        entry.tag = rest;
        log.push_back(std::move(entry));
        return true;
    });
    if (bad.data() != nullptr) return fail(ErrorCode::InvalidInput, fmt::format("not an acknowledgement: '{}'", bad));
    return log;
}

Result<std::vector<Window>> parseWindows(std::string_view text) {
    std::vector<Window> windows;
    std::string_view bad;
    forEachLine(text, [&](std::string_view line) {
        Window window;
        std::string_view rest = line;
        if (!parseNumber(nextWord(rest), window.startMs) || !parseNumber(rest, window.endMs) ||
            window.endMs < window.startMs) {
            bad = line;
            return false;
        }
        windows.push_back(window);
        return true;
    });
    if (bad.data() != nullptr) return fail(ErrorCode::InvalidInput, fmt::format("not a window: '{}'", bad));
    return windows;
}

std::vector<std::string_view> parseTags(std::string_view text) {
    std::vector<std::string_view> tags;
    forEachLine(text, [&](std::string_view line) {
        tags.push_back(line);
        return true;
    });
    return tags;
}

WindowScore scoreWindow(const std::vector<Acknowledgement>& log, const Window& window) {
    const LargestGap all = largestGap(log, window, [](const Acknowledgement&) { return true; });
    WindowScore score{all.endMs - all.startMs, 0, all.startMs, all.endMs, all.closed};
    std::set<int> writers;
    for (const Acknowledgement& entry : log) writers.insert(entry.writer);
    for (const int writer : writers) {
        const LargestGap own =
            largestGap(log, window, [writer](const Acknowledgement& entry) { return entry.writer == writer; });
        score.worstWriterGapMs = std::max(score.worstWriterGapMs, own.endMs - own.startMs);
    }
    return score;
}

TableScore scoreTable(const std::vector<Acknowledgement>& log, const std::vector<std::string_view>& tags) {
    TableScore score;
    score.acknowledged = log.size();
    score.rows = tags.size();
    std::unordered_map<std::string_view, size_t> copies;
    for (const std::string_view tag : tags) ++copies[tag];
    for (const auto& [tag, count] : copies) {
        if (count > 1) score.doubled.emplace_back(tag);
    }
    size_t found = 0;
    for (const Acknowledgement& entry : log) {
        if (copies.count(entry.tag) != 0) {
            ++found;
        } else {
            score.lost.push_back(entry.tag);
        }
    }
    score.unacknowledgedRows = copies.size() - std::min(copies.size(), found);
    std::sort(score.doubled.begin(), score.doubled.end());
    return score;
}

Json toJson(const std::vector<WindowScore>& windows, const TableScore& table) {
    JsonArray list;
    for (const WindowScore& window : windows) {
        list.push_back(JsonObject{{"gapMs", window.gapMs},
                                  {"worstWriterGapMs", window.worstWriterGapMs},
                                  {"gapStartMs", window.gapStartMs},
                                  {"gapEndMs", window.gapEndMs},
                                  {"closed", window.closed}});
    }
    return JsonObject{{"windows", std::move(list)},
                      {"acknowledged", table.acknowledged},
                      {"rows", table.rows},
                      {"unacknowledgedRows", table.unacknowledgedRows},
                      {"lost", table.lost.size()},
                      {"lostTags", named(table.lost)},
                      {"doubled", table.doubled.size()},
                      {"doubledTags", named(table.doubled)}};
}

}  // namespace swb::bench
