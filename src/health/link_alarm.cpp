#include "health/link_alarm.h"

namespace swb::health {
namespace {

Json alarmJson(const AlarmState& alarm) {
    return JsonObject{{"raised", alarm.isRaised}, {"raisedAt", alarm.raisedAt}, {"sentence", alarm.sentence}};
}

AlarmState alarmFrom(const Json* value) {
    if (!value) return {};
    return {booleanAt(*value, "raised"), integerAt(*value, "raisedAt"), 0, textAt(*value, "sentence")};
}

}  // namespace

AlarmChange step(AlarmState& alarm, bool holds, std::string_view sentence, UnixMs now, const AlarmPatience& patience) {
    if (holds == alarm.isRaised) {
        alarm.changingSince = 0;
        return AlarmChange::none;
    }
    if (alarm.changingSince == 0 || alarm.changingSince > now) alarm.changingSince = now;
    if (now - alarm.changingSince < (holds ? patience.raiseMs : patience.endMs)) return AlarmChange::none;
    alarm.isRaised = holds;
    alarm.changingSince = 0;
    if (!holds) return AlarmChange::ended;
    alarm.raisedAt = now;
    alarm.sentence = sentence;
    return AlarmChange::raised;
}

bool holdsLag(const LinkHealth& health) {
    return health.state == LinkState::behind;
}

bool holdsBroken(const LinkHealth& health) {
    return health.state == LinkState::broken || health.state == LinkState::diverged ||
           health.state == LinkState::stopped;
}

Json toJson(const LinkAlarms& alarms) {
    return JsonObject{{"lag", alarmJson(alarms.lag)},
                      {"broken", alarmJson(alarms.broken)},
                      {"synchronous", alarmJson(alarms.synchronous)}};
}

LinkAlarms linkAlarmsFromJson(const Json& value) {
    return {alarmFrom(memberAt(value, "lag")), alarmFrom(memberAt(value, "broken")),
            alarmFrom(memberAt(value, "synchronous"))};
}

}  // namespace swb::health
