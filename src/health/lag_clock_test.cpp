#include "health/lag_clock.h"

#include <gtest/gtest.h>

namespace swb::health {
namespace {

constexpr UnixMs t0 = 1'700'000'000'000;

SideFacts sideAt(UnixMs at, int64_t offset, std::string history = "h") {
    SideFacts side;
    side.known = side.running = side.reachable = true;
    side.at = at;
    side.position = LogPosition{std::move(history), 0, offset};
    return side;
}

SideFacts fileSide(UnixMs at, int64_t file, int64_t offset, std::vector<std::pair<int64_t, int64_t>> files) {
    SideFacts side = sideAt(at, offset);
    side.position->file = file;
    side.files = std::move(files);
    return side;
}

class Clock : public testing::Test {
  protected:
    // Source writes 1000 bytes a second from 0; the replica is `late` seconds behind, for so many seconds.
    void run(int from, int to, int late) {
        for (int second = from; second <= to; ++second)
            clock.observe(sideAt(t0 + second * 1000, second * 1000),
                          sideAt(t0 + second * 1000 + 300, std::max(0, second - late) * 1000));
    }
    LagClock clock;
};

TEST_F(Clock, NothingKnownIsNotZero) {
    const Lag lag = clock.lag(t0, true);
    EXPECT_FALSE(lag.bytes || lag.seconds || lag.isExact);
    clock.observe(sideAt(t0, 5), {});
    EXPECT_FALSE(clock.lag(t0, true).bytes) << "only the source is seen";
}

TEST_F(Clock, ACompleteReplicaIsNotLate) {
    run(0, 10, 0);
    const Lag lag = clock.lag(t0 + 10'400, true);
    EXPECT_EQ(lag.bytes, 0);
    EXPECT_EQ(lag.seconds, 0);
    EXPECT_TRUE(lag.isExact);
    EXPECT_EQ(lag.writeRate, 1000);
}

TEST_F(Clock, AnIdleSourceDoesNotMakeItLate) {
    for (int second = 0; second < 100; ++second)
        clock.observe(sideAt(t0 + second * 1000, 77), sideAt(t0 + second * 1000 + 500, 77));
    EXPECT_EQ(clock.lag(t0 + 100'000, true).seconds, 0);
    // The first write after a long silence is late since it was written, not since the silence began.
    clock.observe(sideAt(t0 + 100'000, 500), sideAt(t0 + 100'200, 77));
    const Lag lag = clock.lag(t0 + 100'200, true);
    EXPECT_LE(*lag.seconds, 1.3);
    EXPECT_EQ(lag.bytes, 423);
}

TEST_F(Clock, SecondsAreTheAgeOfTheReplicasPosition) {
    run(0, 20, 0);
    run(21, 60, 20);
    const Lag lag = clock.lag(t0 + 60'400, true);
    EXPECT_NEAR(*lag.seconds, 20.3, 0.5);
    EXPECT_NEAR(static_cast<double>(*lag.bytes), 20'000, 1000);
    EXPECT_TRUE(lag.isExact);
}

TEST_F(Clock, WhatTheSourceHasNowIsNotHeldAgainstAnOlderLookAtTheReplica) {
    for (int second = 0; second < 10; ++second) {
        clock.observe({}, sideAt(t0 + second * 1000 + 200, second * 1000 + 200));
        clock.observe(sideAt(t0 + second * 1000 + 900, second * 1000 + 900), {});
    }
    const Lag lag = clock.lag(t0 + 10'000, true);
    EXPECT_LT(*lag.bytes, 50);
    EXPECT_LT(*lag.seconds, 0.1);
}

TEST_F(Clock, ADeadReceiverIsNotZeroSeconds) {
    run(0, 10, 0);
    // The replica has replayed all that it received, and receives nothing.
    const Lag idle = clock.lag(t0 + 14'000, false);
    EXPECT_GE(*idle.seconds, 3.9);
    EXPECT_FALSE(idle.isExact);
    for (int second = 11; second <= 40; ++second)
        clock.observe(sideAt(t0 + second * 1000, second * 1000), sideAt(t0 + second * 1000, 10'000));
    const Lag lag = clock.lag(t0 + 40'000, false);
    EXPECT_NEAR(*lag.seconds, 30, 1);
    EXPECT_EQ(lag.bytes, 30'000);
}

TEST_F(Clock, ASourceThatIsNotSeenMakesTheLagGrow) {
    run(0, 10, 0);
    EXPECT_TRUE(clock.lag(t0 + 12'000, true).isExact);
    for (int second = 11; second <= 60; ++second) clock.observe({}, sideAt(t0 + second * 1000, 10'000));
    const Lag lag = clock.lag(t0 + 60'000, true);
    EXPECT_FALSE(lag.isExact);
    EXPECT_FALSE(lag.bytes) << "nobody knows what it has written since";
    EXPECT_NEAR(*lag.seconds, 50, 1);
}

TEST_F(Clock, CatchingUpHasAnEnd) {
    run(0, 5, 0);
    for (int second = 6; second <= 60; ++second)
        clock.observe(sideAt(t0 + second * 1000, 1'000'000 + second * 1000), sideAt(t0 + second * 1000, second * 5000));
    const Lag lag = clock.lag(t0 + 60'000, true);
    ASSERT_TRUE(lag.catchUpSeconds);
    EXPECT_NEAR(*lag.catchUpSeconds, (1'060'000.0 - 300'000) / 4000, 5);
    EXPECT_EQ(lag.applyRate, 5000);
    run(61, 62, 0);
    for (int second = 100; second <= 160; ++second)
        clock.observe(sideAt(t0 + second * 1000, 9'000'000 + second * 9000), sideAt(t0 + second * 1000, 600'000));
    EXPECT_FALSE(clock.lag(t0 + 160'000, true).catchUpSeconds) << "it falls further behind";
}

TEST_F(Clock, ARestartRemembersUntilWhenItWasComplete) {
    clock.remember(t0 - 600'000);
    clock.observe(sideAt(t0, 1'000'000), sideAt(t0 + 100, 10));
    const Lag lag = clock.lag(t0 + 200, true);
    EXPECT_NEAR(*lag.seconds, 600, 1);
    EXPECT_FALSE(lag.isExact);
    EXPECT_EQ(lag.bytes, 999'990);
}

TEST_F(Clock, FilesAreAddedUp) {
    clock.observe(fileSide(t0, 7, 100, {{5, 1000}, {6, 500}, {7, 100}}), fileSide(t0, 5, 900, {}));
    EXPECT_EQ(clock.lag(t0, true).bytes, 100 + 500 + 100);
    // Older files went, a newer came.
    clock.observe(fileSide(t0 + 1000, 8, 40, {{7, 200}, {8, 40}}), fileSide(t0 + 1000, 7, 150, {}));
    EXPECT_EQ(clock.lag(t0 + 1000, true).bytes, 50 + 40);
    // A place that no file tells of is unknown, not zero.
    clock.observe(fileSide(t0 + 2000, 8, 50, {{7, 200}, {8, 50}}), fileSide(t0 + 2000, 3, 150, {}));
    EXPECT_FALSE(clock.lag(t0 + 2000, true).bytes);
    // Another log altogether.
    clock.observe(fileSide(t0 + 3000, 1, 60, {{1, 60}}), fileSide(t0 + 3000, 1, 60, {}));
    EXPECT_EQ(clock.lag(t0 + 3000, true).bytes, 0);
}

TEST_F(Clock, AnotherHistoryBeginsAnew) {
    run(0, 10, 0);
    clock.observe(sideAt(t0 + 11'000, 3, "other"), sideAt(t0 + 11'000, 10'000));
    EXPECT_FALSE(clock.lag(t0 + 11'000, true).bytes) << "the replica has not followed yet";
    clock.observe(sideAt(t0 + 12'000, 5, "other"), sideAt(t0 + 12'000, 5, "other"));
    EXPECT_EQ(clock.lag(t0 + 12'000, true).bytes, 0);
}

TEST_F(Clock, AWeekBehindStaysBounded) {
    for (int second = 0; second <= 604'800; second += 5)
        clock.observe(sideAt(t0 + second * 1000LL, second * 1000LL), sideAt(t0 + second * 1000LL, 0));
    EXPECT_NEAR(*clock.lag(t0 + 604'800'000LL, true).seconds, 604'800, 3600);
}

TEST_F(Clock, TheSourcesWordCountsWhenTheReplicasAgentIsAway) {
    SideFacts source = sideAt(t0, 1000);
    source.replica = SeenReplica{"streaming", 400, 0.1};
    clock.observe(source, {});
    EXPECT_EQ(clock.lag(t0, true).bytes, 400);
}

}  // namespace
}  // namespace swb::health
