#include "health/lag_clock.h"

#include <algorithm>

namespace swb::health {
namespace {

constexpr size_t marksMax = 4'000;  // then every other of the older half goes: coarser, not shorter
constexpr int64_t rateWindowMs = 30'000;
constexpr int64_t rateLeastMs = 1'500;

}  // namespace

void LagClock::begin(const std::string& history) {
    history_ = history;
    marks_.clear();
    written_.clear();
    applied_.clear();
    replica_.reset();
    fileStarts_.clear();
}

// Sizes of files chain them together; those of earlier lists keep their places.
void LagClock::learnFiles(const SideFacts& source) {
    if (source.files.empty()) return;
    const auto anchor = std::find_if(source.files.begin(), source.files.end(),
                                     [this](const auto& file) { return fileStarts_.count(file.first) > 0; });
    if (anchor == source.files.end()) {
        // Nothing of what was known is left: the places before do not compare with those from now on.
        fileStarts_.clear();
        marks_.clear();
        written_.clear();
        applied_.clear();
        replica_.reset();
    }
    const auto first = anchor == source.files.end() ? source.files.begin() : anchor;
    int64_t start = anchor == source.files.end() ? 0 : fileStarts_.at(anchor->first);
    std::map<int64_t, int64_t> starts;
    for (auto file = first; file != source.files.end(); ++file) {
        starts[file->first] = start;
        start += file->second;
    }
    fileStarts_ = std::move(starts);
}

std::optional<int64_t> LagClock::absolute(const LogPosition& position) const {
    if (position.history != history_) return std::nullopt;
    if (position.file == 0) return position.offset;
    const auto start = fileStarts_.find(position.file);
    if (start == fileStarts_.end()) return std::nullopt;
    return start->second + position.offset;
}

void LagClock::note(UnixMs at, int64_t bytes) {
    if (!marks_.empty() && (at <= marks_.back().until || bytes < marks_.back().bytes)) {
        // Older than what is known, or a log that went back: another history begins.
        if (bytes >= marks_.back().bytes) return;
        marks_.clear();
        written_.clear();
    }
    if (!marks_.empty() && marks_.back().bytes == bytes)
        marks_.back().until = at;
    else
        marks_.push_back({at, at, bytes});
    notePoint(written_, at, bytes);
    if (marks_.size() <= marksMax) return;
    std::deque<Mark> kept;
    for (size_t i = 0; i < marks_.size(); ++i)
        if (i >= marks_.size() / 2 || i % 2 == 0) kept.push_back(marks_[i]);
    marks_ = std::move(kept);
}

void LagClock::notePoint(std::deque<Point>& points, UnixMs at, int64_t bytes) {
    if (!points.empty() && at <= points.back().at) return;
    if (!points.empty() && bytes < points.back().bytes) points.clear();
    points.push_back({at, bytes});
    while (points.size() > 2 && at - points[1].at >= rateWindowMs) points.pop_front();
}

// Marks that no question about the replica can reach any more.
void LagClock::prune() {
    if (!replica_) return;
    while (marks_.size() > 2 && marks_[1].bytes <= replica_->bytes && marks_[2].at <= replica_->at) marks_.pop_front();
}

std::optional<LagClock::Point> LagClock::replicaPoint(const SideFacts& source, const SideFacts& replica) const {
    const auto here = source.position ? absolute(*source.position) : std::nullopt;
    std::optional<int64_t> bytes;
    if (!replica.known || !replica.reachable) {
        // Its agent is away; the source may know what it acknowledged.
        if (!here || !source.replica->bytes) return std::nullopt;
        return Point{source.at, *here - *source.replica->bytes};
    }
    // The same words at both ends are the same place, however the engine counts the bytes between its files.
    if (here && !source.positionText.empty() && source.positionText == replica.positionText)
        bytes = here;
    else if (replica.position)
        bytes = absolute(*replica.position);
    if (!bytes) return std::nullopt;
    return Point{replica.at, *bytes};
}

void LagClock::observe(const SideFacts& source, const SideFacts& replica) {
    if (source.known && source.reachable && source.position) {
        if (source.position->history != history_) begin(source.position->history);
        learnFiles(source);
        if (const auto bytes = absolute(*source.position)) note(source.at, *bytes);
    }
    engineSeconds_ = replica.ownSeconds;
    if (source.known && source.replica && source.replica->seconds)
        engineSeconds_ = std::max(engineSeconds_.value_or(0), *source.replica->seconds);
    const bool isSeenBySource = source.known && source.replica.has_value();
    if ((!replica.known || !replica.reachable) && !isSeenBySource) return;
    replica_ = replicaPoint(source, replica);
    if (!replica_) return;
    notePoint(applied_, replica_->at, replica_->bytes);
    prune();
    if (const auto then = timeOf(replica_->bytes)) completeAt_ = std::max(completeAt_, *then);
}

// What the source had at a time; nothing before its first mark.
std::optional<int64_t> LagClock::sourceAt(UnixMs at) const {
    if (marks_.empty() || at < marks_.front().at) return std::nullopt;
    for (size_t i = marks_.size(); i-- > 0;) {
        const Mark& mark = marks_[i];
        if (at < mark.at) continue;
        if (at <= mark.until || i + 1 == marks_.size()) return mark.bytes;
        const Mark& next = marks_[i + 1];
        const double part = static_cast<double>(at - mark.until) / static_cast<double>(next.at - mark.until);
        return mark.bytes + static_cast<int64_t>(part * static_cast<double>(next.bytes - mark.bytes));
    }
    return std::nullopt;
}

// The newest time at which the source had no more than this; nothing when it always had more, as far as is known.
std::optional<UnixMs> LagClock::timeOf(int64_t bytes) const {
    if (marks_.empty() || bytes < marks_.front().bytes) return std::nullopt;
    for (size_t i = marks_.size(); i-- > 0;) {
        const Mark& mark = marks_[i];
        if (mark.bytes > bytes) continue;
        if (i + 1 == marks_.size()) return std::max(mark.until, replica_ && bytes > mark.bytes ? replica_->at : 0);
        const Mark& next = marks_[i + 1];
        const double part = static_cast<double>(bytes - mark.bytes) / static_cast<double>(next.bytes - mark.bytes);
        return mark.until + static_cast<UnixMs>(part * static_cast<double>(next.at - mark.until));
    }
    return std::nullopt;
}

std::optional<int64_t> LagClock::rateOf(const std::deque<Point>& points) {
    if (points.size() < 2 || points.back().at - points.front().at < rateLeastMs) return std::nullopt;
    return (points.back().bytes - points.front().bytes) * 1000 / (points.back().at - points.front().at);
}

void LagClock::addRates(Lag& lag) const {
    lag.writeRate = rateOf(written_);
    lag.applyRate = rateOf(applied_);
    if (!lag.bytes || *lag.bytes == 0 || !lag.writeRate || !lag.applyRate || *lag.applyRate <= *lag.writeRate) return;
    lag.catchUpSeconds = static_cast<double>(*lag.bytes) / static_cast<double>(*lag.applyRate - *lag.writeRate);
}

Lag LagClock::lag(UnixMs now, bool streams) const {
    Lag lag;
    const auto since = [now](UnixMs at) { return static_cast<double>(std::max<int64_t>(0, now - at)) / 1000; };
    const bool isFresh = !marks_.empty() && now - marks_.back().until <= freshMs;
    if (replica_ && !marks_.empty()) {
        const int64_t there = sourceAt(replica_->at).value_or(marks_.front().bytes);
        lag.bytes = std::max<int64_t>(0, there - replica_->bytes);
        // Not streaming: nothing comes, so everything written since then is missing.
        if (!streams) lag.bytes = std::max<int64_t>(0, marks_.back().bytes - replica_->bytes);
    }
    const bool isReplicaFresh = replica_ && now - replica_->at <= freshMs;
    if (!isFresh || !streams || !isReplicaFresh) {
        if (completeAt_) lag.seconds = since(completeAt_);
        if (!isFresh) lag.bytes.reset();
        addRates(lag);
        return lag;
    }
    if (*lag.bytes == 0) {
        lag.seconds = 0;
        lag.isExact = true;
    } else if (const auto then = timeOf(replica_->bytes)) {
        lag.seconds = static_cast<double>(std::max<int64_t>(0, replica_->at - *then)) / 1000;
        lag.isExact = true;
    } else {
        // It was behind before anybody looked.
        lag.seconds = std::max(engineSeconds_.value_or(0), since(completeAt_ ? completeAt_ : marks_.front().at));
    }
    addRates(lag);
    return lag;
}

}  // namespace swb::health
