#include "health/link_alarm.h"

#include <gtest/gtest.h>

namespace swb::health {
namespace {

TEST(LinkAlarm, IsRaisedAfterAWhileAndEndsAfterAWhile) {
    AlarmState alarm;
    EXPECT_EQ(step(alarm, true, "late", 1000, {}), AlarmChange::none);
    EXPECT_EQ(step(alarm, true, "late", 10'999, {}), AlarmChange::none);
    EXPECT_EQ(step(alarm, true, "very late", 11'000, {}), AlarmChange::raised);
    EXPECT_EQ(alarm.sentence, "very late");
    EXPECT_EQ(step(alarm, true, "late", 12'000, {}), AlarmChange::none);
    EXPECT_EQ(step(alarm, false, "", 13'000, {}), AlarmChange::none);
    EXPECT_EQ(step(alarm, true, "late", 14'000, {}), AlarmChange::none);
    EXPECT_EQ(step(alarm, false, "", 20'000, {}), AlarmChange::none) << "the time starts again";
    EXPECT_EQ(step(alarm, false, "", 29'999, {}), AlarmChange::none);
    EXPECT_EQ(step(alarm, false, "", 30'000, {}), AlarmChange::ended);
    EXPECT_FALSE(alarm.isRaised);
}

TEST(LinkAlarm, AShortPeakWakesNobody) {
    AlarmState alarm;
    for (UnixMs at = 1000; at < 100'000; at += 1000)
        EXPECT_EQ(step(alarm, at % 9000 != 0, "late", at, {}), AlarmChange::none);
}

TEST(LinkAlarm, AClockThatIsSetBackDoesNotWaitForEver) {
    AlarmState alarm;
    step(alarm, true, "late", 1'000'000, {});
    step(alarm, true, "late", 5000, {});
    EXPECT_EQ(step(alarm, true, "late", 15'000, {}), AlarmChange::raised);
}

TEST(LinkAlarm, SurvivesTheController) {
    LinkAlarms alarms;
    step(alarms.broken, true, "gone", 1000, {.raiseMs = 0});
    const LinkAlarms again = linkAlarmsFromJson(toJson(alarms));
    EXPECT_TRUE(again.broken.isRaised);
    EXPECT_EQ(again.broken.raisedAt, 1000);
    EXPECT_EQ(again.broken.sentence, "gone");
    EXPECT_FALSE(again.lag.isRaised);
    EXPECT_FALSE(linkAlarmsFromJson(nullptr).any());
}

}  // namespace
}  // namespace swb::health
