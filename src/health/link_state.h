// One state for a link, with a sentence that says what is seen and a hint that says what to do.
#pragma once

#include "health/lag_clock.h"
#include "model/group.h"

namespace swb::health {

// From which lag on a link is `behind`, and alarms say so. Per group (Group::lagAlert…), with defaults.
struct LagLimits {
    int64_t bytes = 64 << 20;
    int64_t seconds = 30;
};

// A copy that a run is making at present.
struct Seeding {
    std::string run;
    std::string sentence;  // its newest progress
};

struct LinkInput {
    Link link;
    SideFacts source, replica;
    std::string divergence;  // divergence() of both, when both are known
    std::optional<Seeding> seeding;
    Lag lag;
    LagLimits limits;
    LinkState before = LinkState::none;  // the state it had: what is behind stays so until it is well below the limits
};

struct LinkHealth {
    LinkState state = LinkState::none;
    std::string sentence, hint;
};

// Whether the replica follows its source right now, as far as both tell.
bool streams(const SideFacts& source, const SideFacts& replica);
LinkHealth judge(const LinkInput& input);
// Past a limit; for what is behind already: not yet well below both (half of them).
bool isBehind(const Lag& lag, const LagLimits& limits, bool wasBehind);
// "12 s", "4.0 MiB": for sentences.
std::string secondsText(double seconds);
std::string bytesText(int64_t bytes);

}  // namespace swb::health
