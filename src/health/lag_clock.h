// How far behind, in bytes and in seconds, from positions alone. The source's end is noted with the time it was seen;
// a replica at position P is as late as the time since the source was at P. So a receiver that died is not "0 s
// behind", and an idle source does not make a replica late.
//
// Facts of the two sides are taken at different moments, so what the source had at the replica's moment is
// interpolated. What is not known exactly is said: `exact` false means "at most" for a source that cannot be seen or a
// replica that does not stream, "at least" before enough of the source's past is known.
#pragma once

#include <deque>
#include <map>

#include "health/link_facts.h"

namespace swb::health {

struct Lag {
    std::optional<int64_t> bytes;
    std::optional<double> seconds;
    bool isExact = false;

    // Bytes per second, over the last half minute; unknown before there is a past.
    std::optional<int64_t> writeRate;
    std::optional<int64_t> applyRate;
    // Until it has caught up, if both go on like that. Absent: it has, or it does not catch up.
    std::optional<double> catchUpSeconds;
};

class LagClock {
  public:
    // The replica was complete at this time, as somebody knew before (a restarted controller).
    void remember(UnixMs completeAt) { completeAt_ = std::max(completeAt_, completeAt); }
    // What is newly known. Sides that are not known or not reachable are passed over.
    void observe(const SideFacts& source, const SideFacts& replica);
    Lag lag(UnixMs now, bool streams) const;

    static constexpr int64_t freshMs = 5'000;  // facts older than that do not say what is now

  private:
    // The log's end stood at `bytes` from `at` to `until`.
    struct Mark {
        UnixMs at = 0, until = 0;
        int64_t bytes = 0;
    };
    struct Point {
        UnixMs at = 0;
        int64_t bytes = 0;
    };

    std::optional<int64_t> absolute(const LogPosition& position) const;
    void learnFiles(const SideFacts& source);
    void begin(const std::string& history);
    void note(UnixMs at, int64_t bytes);
    void prune();
    std::optional<int64_t> sourceAt(UnixMs at) const;
    std::optional<UnixMs> timeOf(int64_t bytes) const;
    static void notePoint(std::deque<Point>& points, UnixMs at, int64_t bytes);
    std::optional<Point> replicaPoint(const SideFacts& source, const SideFacts& replica) const;
    static std::optional<int64_t> rateOf(const std::deque<Point>& points);
    void addRates(Lag& lag) const;

    std::string history_;
    std::map<int64_t, int64_t> fileStarts_;  // number of a log file → bytes before it
    std::deque<Mark> marks_;
    std::deque<Point> written_, applied_;
    std::optional<Point> replica_;
    std::optional<double> engineSeconds_;  // the engine's own figure, as a floor
    UnixMs completeAt_ = 0;                // newest time at which the replica was known to have everything
};

}  // namespace swb::health
