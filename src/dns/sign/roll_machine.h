// The roll-over machine: (where the zone's keys are, what happened) → where they are next and what to do with the keys.
// Pure: time and what the parent shows come in as events, keys are made and dropped by the caller (signer.h), who
// stores state and keys together before the zone follows.
#pragma once

#include <vector>

#include "base/result.h"
#include "dns/sign/key.h"
#include "dns/sign/roll_table.h"
#include "dns/sign/set_signing.h"

namespace swb::dns::sign {

struct RollState {
    Stage stage = Stage::unsignedZone;
    UnixSeconds enteredAt = 0;
    UnixSeconds inPlaceAt = 0;      // 0: the published zone is not yet as the stage wants it
    uint32_t zoneTtlSeconds = 0;    // the longest of any set, of this stage or the one before
    uint32_t parentTtlSeconds = 0;  // of the parent's DS set when it was last seen

    bool operator==(const RollState&) const = default;
};

struct RollTiming {
    uint32_t keysTtlSeconds = 3600;
    // Until every secondary has the change: well over the time NOTIFY and its retries take.
    uint32_t spreadSeconds = 3600;
    uint32_t parentSpreadSeconds = 3600;
    uint32_t parentTtlSeconds = 86400;  // as long as the parent's own has not been seen
};

struct RollEvent {
    enum class Kind : uint8_t { inPlace, time, parentAgrees, command };
    Kind kind = Kind::time;
    Command command = Command::cancel;
    uint32_t ttlSeconds = 0;  // inPlace: the zone's longest; parentAgrees: the DS set's
};

struct RollDecision {
    RollState state;
    bool isNewStage = false;
    KeyAction action = KeyAction::nothing;  // before the new stage
    Rolled generate = Rolled::nothing;      // successors to make (of enable: the first keys)
};

// The error is for commands only: not possible in this stage. Other events that change nothing give the same state.
Result<RollDecision> advance(const RollState& state, const RollEvent& event, UnixSeconds now, const RollTiming& timing);
// When the stage ends by time alone; nothing while it waits for something else.
std::optional<UnixSeconds> deadlineOf(const RollState& state, const RollTiming& timing);

// The usage of a key in a stage. isSuccessor: made for the roll-over that is under way.
KeyUsage usageOf(Stage stage, KeyRole role, bool isSuccessor);

}  // namespace swb::dns::sign
