// Health of links: what both ends of a replication say → how far behind it is → one state with a sentence and a hint.
//
//     facts of the source ─┐   link_facts        lag_clock            link_state         link_alarm
//                          ├─▶ words that all ─▶ bytes, seconds,  ─▶  streaming,     ─▶  raised, ended
//     facts of the replica ┘   engines share     rates, estimate      behind, broken …
//                                                     └────────────▶  lag_history: thinned for charts
//
// Called by dispatch/link_watch, which has the facts, the clock and the store. Everything here is pure. It must never
// call a link healthy because it knows nothing: what is not seen is not zero.
//
// This file: one side of a link in the words that all engines share.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/application.h"

namespace swb::health {

// A place in a history of writes. Places compare only within one history.
struct LogPosition {
    std::string history;
    int64_t file = 0;  // engines that count within files; 0 for the others
    int64_t offset = 0;

    bool operator==(const LogPosition&) const = default;
};

enum class Receiver { streaming, connecting, copying, stopped, absent };

// What the source says of one replica of it.
struct SeenReplica {
    std::string state;              // "streaming" when it follows
    std::optional<int64_t> bytes;   // behind in what it applied or acknowledged; nothing where only sending is known
    std::optional<double> seconds;  // the engine's own figure: a hint, never the answer
};

struct SideFacts {
    bool known = false;  // somebody looked lately; everything else counts only then
    UnixMs at = 0;       // when, by the controller's clock
    bool running = false;
    bool reachable = false;
    std::string error;
    std::string role;  // "primary", "replica", "stopped", "unknown"
    std::string identity;
    int64_t timeline = 0;
    std::optional<LogPosition> position;  // primary: the end of its log; replica: what it has applied
    std::string positionText;

    // Of a replica.
    Receiver receiver = Receiver::absent;
    bool isPaused = false;
    bool isApplying = true;  // false: it receives but does not apply
    std::string receiverError, applierError;
    std::optional<double> ownSeconds;  // the engine's own figure

    // Of a source.
    std::vector<std::pair<int64_t, int64_t>> files;  // number and size of the log's files, oldest first
    std::optional<SeenReplica> replica;
    bool isSlotLost = false;  // what the replica still needs is gone
    // The end of its own log, where a replica counts what it has applied in the log of its own source instead.
    std::optional<LogPosition> logEnd;
};

// slot: under which name the source knows the replica.
SideFacts sideOf(Engine engine, const Json& facts, std::string_view slot);
// As the source that it is of a link: where its log ends is its position, be it a replica itself or not.
SideFacts asSource(SideFacts side);
// What only the replica has, in words; empty when nothing is known of such a thing.
std::string divergence(Engine engine, const Json& source, const Json& replica);
// Where commits should wait for this replica: that they do not, or that they wait in vain. Otherwise empty.
std::string synchronousTrouble(const Json& source, std::string_view replica);

}  // namespace swb::health
