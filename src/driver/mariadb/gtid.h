// Positions in a server's history of transactions, as text comes and goes: MariaDB's GTID lists (0-1-100,7-2-5) and
// MySQL's GTID sets (uuid:1-5:9). Pure; the text may be hostile.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace swb::driver::mariadb {

// How one position lies to another.
enum class Relation { equal, behind, ahead, diverged };

// MariaDB: of each domain the last transaction. Two positions with one domain's last transaction of the same number but
// of different servers belong to different histories.
class GtidPosition {
  public:
    struct Last {
        uint32_t server = 0;
        uint64_t sequence = 0;
        bool operator==(const Last&) const = default;
    };

    static Result<GtidPosition> parse(std::string_view text);
    std::string text() const;
    bool empty() const { return last_.empty(); }
    const std::map<uint32_t, Last>& domains() const { return last_; }
    Relation relationTo(const GtidPosition& other) const;
    // Of each domain the later one of the two.
    GtidPosition joinedWith(const GtidPosition& other) const;
    bool operator==(const GtidPosition&) const = default;

  private:
    std::map<uint32_t, Last> last_;
};

// MariaDB's gtid_binlog_state: of each domain and server the last transaction.
class GtidState {
  public:
    static Result<GtidState> parse(std::string_view text);
    // What is here and not there: (domain, server, first, last).
    struct Surplus {
        uint32_t domain = 0, server = 0;
        uint64_t first = 0, last = 0;
    };
    std::vector<Surplus> beyond(const GtidState& other) const;
    const std::map<std::pair<uint32_t, uint32_t>, uint64_t>& origins() const { return last_; }

  private:
    std::map<std::pair<uint32_t, uint32_t>, uint64_t> last_;
};
// The state that a log has which ends at the position, as far as a later state of it still tells: transactions of other
// servers after the position are left out. In each domain the last transaction stands last.
Result<std::string> logStateAt(std::string_view laterState, std::string_view position);
std::string text(const GtidState::Surplus& surplus);  // "0-2-7" or "0-2-7..9"

// MySQL: closed intervals for each server's uuid (and tag, since 8.3), joined where they touch.
class GtidSet {
  public:
    using Interval = std::pair<uint64_t, uint64_t>;

    static Result<GtidSet> parse(std::string_view text);
    std::string text() const;
    bool empty() const { return intervals_.empty(); }
    bool contains(const GtidSet& other) const { return other.without(*this).empty(); }
    GtidSet without(const GtidSet& other) const;
    Relation relationTo(const GtidSet& other) const;
    bool operator==(const GtidSet&) const = default;

  private:
    std::map<std::string, std::vector<Interval>> intervals_;
};

}  // namespace swb::driver::mariadb
