// What charts of a link are drawn from: one sample for each slot of time, in three tiers: 5 s for half an hour, a
// minute for twelve hours, an hour for thirty days. A coarser sample keeps the worst of its slot, so that a peak stays
// a peak.
//
// Samples are kept in blocks of some slots: a block is one stored document, written again while it is the newest and
// removed when it is too old. So a flush writes little, whatever the length of the history.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "model/group.h"

namespace swb::health {

struct Sample {
    int64_t bytes = -1;  // lag; -1: not known
    int64_t lagMs = -1;
    int64_t writeRate = -1;  // bytes per second
    int64_t applyRate = -1;
    LinkState state = LinkState::none;
    bool isReversed = false;  // the link went the other way (names in the other order than the pair's)
    int64_t count = 1;        // samples in it
};

// The worst of both: larger lag, worse state; rates are averages.
Sample merged(const Sample& a, const Sample& b);

struct Tier {
    std::string_view name;  // part of a block's id
    int64_t slotMs;
    int64_t slotsPerBlock;
    int64_t blocksKept;

    int64_t blockMs() const { return slotMs * slotsPerBlock; }
    int64_t slotOf(UnixMs at) const { return at / slotMs; }
    int64_t blockOf(UnixMs at) const { return at / blockMs(); }
};

// Seconds, minutes, hours.
extern const std::array<Tier, 3> tiers;
// The finest that reaches back so far; by its name; null for a name that is none.
const Tier& tierFor(UnixMs from, UnixMs now);
const Tier* tierNamed(std::string_view name);

using Samples = std::map<int64_t, Sample>;  // by slot

std::string encode(const Samples& samples);
// Lines that are none are an error: blocks are written by this program only.
Result<Samples> decode(std::string_view text);

// The pair of applications of a link, whichever way it goes at present: a chart goes on across a switch.
std::string pairOf(const Link& link);
bool isReversed(const Link& link);
// Document id of a block; at most 256 characters.
std::string blockId(std::string_view pair, const Tier& tier, int64_t block);
struct BlockName {
    std::string pair;
    const Tier* tier = nullptr;
    int64_t block = 0;
    bool isOld(UnixMs now) const { return block + tier->blocksKept < tier->blockOf(now); }
};
std::optional<BlockName> parseBlockId(std::string_view id);

}  // namespace swb::health
