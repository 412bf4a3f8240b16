// What became of the orders: pure arithmetic over what the writers noted and what was read back afterwards.
//
// An order counts as acknowledged only when its writer saw 201. One that was not acknowledged may exist or not; only
// acknowledged orders can be missing, but any tag can be doubled, because each was sent once. With several engines an
// acknowledged order must be in every one of them; one that was not acknowledged may be in some.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace swb::lab {

enum class LoadError { maintenance, unavailable, refused, reset, timeout, dns, other };
std::string_view nameOf(LoadError error);

struct Acknowledgement {
    std::string tag;
    std::map<std::string, int64_t> ids;  // its number in each engine, as the shop said
    double atMs = 0;                     // monotonic, when the answer was read
    double latencyMs = 0;                // from sending to answer
};

struct WriterNotes {
    std::vector<Acknowledgement> acknowledged;
    int64_t attempts = 0;
    std::map<LoadError, int64_t> errors;
};

struct Gap {
    double milliseconds = 0;
    double fromMs = 0, toMs = 0;  // monotonic: the acknowledgements before and after
};

// How often each tag of the run was read back.
using TagCounts = std::map<std::string, int64_t>;

// What one engine holds of the run, seen one way.
struct Reading {
    std::string engine;
    TagCounts counts;
};

struct EngineScore {
    int64_t missing = 0, doubled = 0, unacknowledged = 0;  // as in Score, of this engine's readings
};

struct Score {
    int64_t attempts = 0, acknowledged = 0;
    int64_t missing = 0;         // acknowledged, and absent from one of the readings at least
    int64_t doubled = 0;         // tags there more than once in one of them
    int64_t unacknowledged = 0;  // there without having been acknowledged: no fault
    std::map<std::string, EngineScore> engines;
    std::vector<std::string> missingTags, doubledTags;  // the first twenty
    std::vector<Gap> gaps;  // the longest between any two acknowledgements, longest first; at most five
    std::map<LoadError, int64_t> errors;
    double seconds = 0, perSecond = 0;
    double latencyMedianMs = 0, latencyP99Ms = 0, latencyMaxMs = 0;

    bool clean() const { return missing == 0 && doubled == 0 && acknowledged > 0; }
};

// readings: of each engine two, through the failover address and at the primary.
Score scoreOf(const std::vector<WriterNotes>& writers, const std::vector<Reading>& readings, double seconds);

// The value below which `share` (0 to 1) of the sorted values lie; 0 of none.
double quantile(const std::vector<double>& sorted, double share);

}  // namespace swb::lab
