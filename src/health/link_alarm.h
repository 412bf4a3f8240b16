// When somebody is told: a condition must last before an alarm is raised, and be over for a while before it ends, so
// that a switch, a restart or a short peak of writing wakes nobody. Pure; the times are the caller's.
#pragma once

#include "health/link_state.h"

namespace swb::health {

struct AlarmState {
    bool isRaised = false;
    UnixMs raisedAt = 0;
    UnixMs changingSince = 0;  // since when it is otherwise than isRaised says; 0: it is not
    std::string sentence;      // why it was raised
};

enum class AlarmChange { none, raised, ended };

struct AlarmPatience {
    int64_t raiseMs = 10'000;
    int64_t endMs = 10'000;
};

// holds: whether what the alarm is about is so now.
AlarmChange step(AlarmState& alarm, bool holds, std::string_view sentence, UnixMs now, const AlarmPatience& patience);

// The alarms of a link.
struct LinkAlarms {
    AlarmState lag;          // behind: past a limit
    AlarmState broken;       // broken, diverged or stopped: nothing is replicated
    AlarmState synchronous;  // commits that should wait for the replica do not, or wait in vain

    bool any() const { return lag.isRaised || broken.isRaised || synchronous.isRaised; }
};

bool holdsLag(const LinkHealth& health);
bool holdsBroken(const LinkHealth& health);

Json toJson(const LinkAlarms& alarms);
LinkAlarms linkAlarmsFromJson(const Json& value);

}  // namespace swb::health
