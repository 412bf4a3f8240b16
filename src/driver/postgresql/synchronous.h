// Commits that wait for the other site (`synchronous` in the definition), and synchronous_standby_names that somebody
// set by hand. Two things may never happen unnoticed:
//
//     a cut between the sites hangs commits      SyncWatch, asked every second by the agent's supervisor of a primary:
//     after
//                                                `patienceMs` it degrades (or says that commits wait), and arms again
//                                                when the other site follows
//     a new primary waits for a standby that     the names are set aside before a promotion and put back when enough of
//     was its own primary a moment ago           them stream
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/postgresql/instance.h"
#include "driver/postgresql/lsn.h"

namespace swb::driver::postgresql {

// How long commits may hang before the watch calls the other site cut off. A look a second is added to it.
constexpr int64_t cutPatienceMs = 5000;

// synchronous_standby_names: "a, b", "FIRST 1 (a, b)", "ANY 2 (a, b, c)", "2 (a, b)", "*".
struct StandbyNames {
    int needed = 0;
    std::vector<std::string> names;
    // Are there enough of them among these? Names compare without case, as the server does.
    bool satisfiedBy(const std::vector<std::string>& streaming) const;
};
std::optional<StandbyNames> parseStandbyNames(std::string_view text);

// What a look at a primary shows.
struct SyncLook {
    MonotonicMs at = 0;
    bool armed = false;      // commits wait for the standby
    bool streaming = false;  // the primary sees it
    std::string flushed;     // how far it has confirmed
    std::string replied;     // when it last said anything, by its own clock
    int64_t lagBytes = 0;
    int64_t waiting = 0;  // commits that wait for it now
};
enum class SyncAction { none, arm, degrade };

// Decides; pure.
class SyncWatch {
  public:
    SyncAction look(const SyncLook& look, WhenCut whenCut);
    bool cutOff() const { return cutOff_; }  // armed, and nothing confirmed for longer than the patience

  private:
    MonotonicMs movedAt_ = 0;
    std::string flushed_, repliedAtCut_;
    int follows_ = 0;
    bool cutOff_ = false;
    bool seen_ = false;
};

// The watches of all databases of this agent.
class SyncKeeper {
  public:
    // One look at a running server, and what follows from it. Nothing to do: hardly any time.
    Result<void> keep(const Instance& instance, const Context& context);

    struct Seen {
        bool primary = false;
        std::string names;
        std::vector<std::string> streaming;
        SyncLook look;
    };

  private:
    Result<void> watch(const Instance& instance, const Seen& seen, const Context& context);

    std::mutex mutex_;
    std::map<std::string, SyncWatch> watches_;
};

// The fact `synchronous` (docs/protocol/verbs.md); null when commits wait for nobody and none is asked for.
Json synchronousFacts(const Instance& instance, const Json& quick);

// Before a promotion: names that could hang the new primary are put aside, on record.
Result<void> setAsideStandbyNames(const Instance& instance, Connection& connection, const Context& context);
// Puts them back: on a replica at once, on a primary when enough of them stream.
Result<void> restoreStandbyNames(const Instance& instance, const Context& context);

}  // namespace swb::driver::postgresql
