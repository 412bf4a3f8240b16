#include "net/reconnect.h"

#include <gtest/gtest.h>

namespace swb::net {
namespace {

uint32_t most(uint32_t bound) {
    return bound - 1;
}
uint32_t least(uint32_t) {
    return 0;
}

TEST(Reconnect, FailedAttemptsDoubleUpToTheLongest) {
    ReconnectPolicy policy({}, most);
    std::vector<int64_t> delays;
    for (int i = 0; i < 8; ++i) delays.push_back(policy.lost(1000 + i));
    EXPECT_EQ(delays, (std::vector<int64_t>{100, 200, 400, 800, 1600, 3200, 5000, 5000}));
}

TEST(Reconnect, JitterIsTheUpperHalf) {
    ReconnectPolicy lowest({}, least);
    EXPECT_EQ(lowest.lost(0), 50);
    EXPECT_EQ(lowest.lost(0), 100);
    ReconnectPolicy real;
    for (int i = 0; i < 100; ++i) {
        ReconnectPolicy fresh;
        const int64_t delay = fresh.lost(0);
        EXPECT_GE(delay, 50);
        EXPECT_LE(delay, 100);
    }
}

TEST(Reconnect, LossOfAStableConnectionIsFollowedByQuickAttempts) {
    ReconnectPolicy policy({}, most);
    for (int i = 0; i < 6; ++i) policy.lost(i);
    policy.connected(10'000);
    int64_t now = 20'000;
    int attempts = 0;
    while (true) {
        const int64_t delay = policy.lost(now);
        if (now >= 23'000) {
            EXPECT_EQ(delay, 100) << "the doubling begins anew";
            break;
        }
        EXPECT_EQ(delay, 100);
        now += delay;
        ++attempts;
    }
    EXPECT_EQ(attempts, 30);
    EXPECT_EQ(policy.lost(now), 200);
}

TEST(Reconnect, AConnectionThatFallsAtOnceIsNoRestart) {
    ReconnectPolicy policy({}, most);
    std::vector<int64_t> delays;
    for (int i = 0; i < 4; ++i) {
        policy.connected(i * 100);
        delays.push_back(policy.lost(i * 100 + 10));
    }
    EXPECT_EQ(delays, (std::vector<int64_t>{100, 200, 400, 800}));
}

}  // namespace
}  // namespace swb::net
