#include "lab/score.h"

#include <algorithm>
#include <cmath>
#include <set>

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

// What the readings of one engine, or of all, say of the acknowledged tags.
struct Findings {
    std::set<std::string> missing, doubled;
    int64_t unacknowledged = 0;
};

Findings compare(const std::set<std::string>& acknowledged, const std::vector<const TagCounts*>& readings) {
    Findings findings;
    std::set<std::string> present;
    for (const TagCounts* reading : readings) {
        for (const std::string& tag : acknowledged)
            if (!reading->count(tag)) findings.missing.insert(tag);
        for (const auto& [tag, count] : *reading) {
            present.insert(tag);
            if (count > 1) findings.doubled.insert(tag);
        }
    }
    for (const std::string& tag : present)
        if (!acknowledged.count(tag)) ++findings.unacknowledged;
    return findings;
}

void addFindings(Score& score, const std::set<std::string>& acknowledged, const std::vector<Reading>& readings) {
    std::vector<const TagCounts*> all;
    std::map<std::string, std::vector<const TagCounts*>> byEngine;
    for (const Reading& reading : readings) {
        all.push_back(&reading.counts);
        byEngine[reading.engine].push_back(&reading.counts);
    }
    const Findings total = compare(acknowledged, all);
    score.missing = static_cast<int64_t>(total.missing.size());
    score.doubled = static_cast<int64_t>(total.doubled.size());
    score.unacknowledged = total.unacknowledged;
    for (const std::string& tag : total.missing) note(score.missingTags, tag);
    for (const std::string& tag : total.doubled) note(score.doubledTags, tag);
    for (const auto& [engine, own] : byEngine) {
        const Findings findings = compare(acknowledged, own);
        score.engines[engine] = {static_cast<int64_t>(findings.missing.size()),
                                 static_cast<int64_t>(findings.doubled.size()), findings.unacknowledged};
    }
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

Score scoreOf(const std::vector<WriterNotes>& writers, const std::vector<Reading>& readings, double seconds) {
    Score score;
    score.seconds = seconds;
    std::vector<double> times, latencies;
    std::set<std::string> acknowledged;
    for (const WriterNotes& writer : writers) {
        score.attempts += writer.attempts;
        for (const auto& [error, count] : writer.errors) score.errors[error] += count;
        for (const Acknowledgement& one : writer.acknowledged) {
            acknowledged.insert(one.tag);
            times.push_back(one.atMs);
            latencies.push_back(one.latencyMs);
        }
    }
    score.acknowledged = static_cast<int64_t>(times.size());
    addFindings(score, acknowledged, readings);
    score.gaps = longestGaps(times);
    score.perSecond = seconds > 0 ? static_cast<double>(score.acknowledged) / seconds : 0;
    std::sort(latencies.begin(), latencies.end());
    score.latencyMedianMs = quantile(latencies, 0.5);
    score.latencyP99Ms = quantile(latencies, 0.99);
    score.latencyMaxMs = latencies.empty() ? 0 : latencies.back();
    return score;
}

}  // namespace swb::lab
