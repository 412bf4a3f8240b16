#include "lab/score.h"

#include <algorithm>
#include <cmath>

namespace swb::lab {
namespace {

constexpr size_t tagsShown = 20;
constexpr size_t gapsShown = 5;

void note(std::vector<std::string>& shown, const std::string& tag) {
    if (shown.size() < tagsShown) shown.push_back(tag);
}

std::vector<Gap> longestGaps(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    std::vector<Gap> gaps;
    for (size_t i = 1; i < times.size(); ++i) gaps.push_back({times[i] - times[i - 1], times[i - 1], times[i]});
    std::sort(gaps.begin(), gaps.end(),
              [](const Gap& left, const Gap& right) { return left.milliseconds > right.milliseconds; });
    if (gaps.size() > gapsShown) gaps.resize(gapsShown);
    return gaps;
}

int64_t countOf(const TagCounts& reading, const std::string& tag) {
    const auto found = reading.find(tag);
    return found == reading.end() ? 0 : found->second;
}

}  // namespace

std::string_view nameOf(LoadError error) {
    switch (error) {
        case LoadError::maintenance:
            return "maintenance";
        case LoadError::unavailable:
            return "unavailable";
        case LoadError::refused:
            return "connect";
        case LoadError::reset:
            return "reset";
        case LoadError::timeout:
            return "timeout";
        case LoadError::dns:
            return "dns";
        case LoadError::other:
            return "other";
    }
    return "other";
}

double quantile(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return 0;
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::min(sorted.size() - 1, rank == 0 ? 0 : rank - 1)];
}

Score scoreOf(const std::vector<WriterNotes>& writers, const std::vector<TagCounts>& readings, double seconds) {
    Score score;
    score.seconds = seconds;
    std::vector<double> times, latencies;
    std::map<std::string, bool> acknowledged;
    for (const WriterNotes& writer : writers) {
        score.attempts += writer.attempts;
        for (const auto& [error, count] : writer.errors) score.errors[error] += count;
        for (const Acknowledgement& one : writer.acknowledged) {
            acknowledged[one.tag] = true;
            times.push_back(one.atMs);
            latencies.push_back(one.latencyMs);
        }
    }
    score.acknowledged = static_cast<int64_t>(times.size());
    for (const auto& [tag, unused] : acknowledged)
        if (std::any_of(readings.begin(), readings.end(),
                        [&tag = tag](const TagCounts& r) { return countOf(r, tag) == 0; })) {
            ++score.missing;
            note(score.missingTags, tag);
        }
    TagCounts most;
    for (const TagCounts& reading : readings)
        for (const auto& [tag, count] : reading) most[tag] = std::max(most[tag], count);
    for (const auto& [tag, count] : most) {
        if (count > 1) {
            ++score.doubled;
            note(score.doubledTags, tag);
        }
        if (!acknowledged.count(tag)) ++score.unacknowledged;
    }
    score.gaps = longestGaps(times);
    score.perSecond = seconds > 0 ? static_cast<double>(score.acknowledged) / seconds : 0;
    std::sort(latencies.begin(), latencies.end());
    score.latencyMedianMs = quantile(latencies, 0.5);
    score.latencyP99Ms = quantile(latencies, 0.99);
    score.latencyMaxMs = latencies.empty() ? 0 : latencies.back();
    return score;
}

}  // namespace swb::lab
