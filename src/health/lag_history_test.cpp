#include "health/lag_history.h"

#include <gtest/gtest.h>

namespace swb::health {
namespace {

TEST(LagHistory, ACoarserSampleKeepsTheWorst) {
    const Sample quiet{10, 100, 1000, 1000, LinkState::streaming, false, 3};
    const Sample peak{900, 50, 2000, -1, LinkState::broken, false, 1};
    const Sample both = merged(quiet, peak);
    EXPECT_EQ(both.bytes, 900);
    EXPECT_EQ(both.lagMs, 100);
    EXPECT_EQ(both.writeRate, 1250);
    EXPECT_EQ(both.applyRate, 1000);
    EXPECT_EQ(both.state, LinkState::broken);
    EXPECT_EQ(both.count, 4);
}

TEST(LagHistory, BlocksAreReadAsTheyWereWritten) {
    Samples samples;
    samples[340'000'001] = {1, 2, 3, 4, LinkState::behind, true, 5};
    samples[340'000'002] = {};
    const auto again = decode(encode(samples));
    ASSERT_TRUE(again);
    ASSERT_EQ(again->size(), 2u);
    const Sample& first = again->at(340'000'001);
    EXPECT_EQ(first.bytes, 1);
    EXPECT_EQ(first.applyRate, 4);
    EXPECT_EQ(first.state, LinkState::behind);
    EXPECT_TRUE(first.isReversed);
    EXPECT_EQ(first.count, 5);
    EXPECT_EQ(again->at(340'000'002).bytes, -1);
    for (const char* bad : {"1 2 3\n", "x\n", "1 2 3 4 5 99 0 1\n", "1 2 3 4 5 1 0 0\n", "1 2 3 4 5 1 0 1"})
        EXPECT_FALSE(decode(bad)) << bad;
}

TEST(LagHistory, ALinkThatTurnsRoundHasOneHistory) {
    const Link there{"shop-nyc", "shop-fra", "main", "", 0}, back{"shop-fra", "shop-nyc", "main", "", 0};
    EXPECT_EQ(pairOf(there), pairOf(back));
    EXPECT_NE(isReversed(there), isReversed(back));
}

TEST(LagHistory, NamesOfBlocksTellTheirAge) {
    const UnixMs now = 1'700'000'000'000;
    for (const Tier& tier : tiers) {
        const auto name = parseBlockId(blockId("a/b/main", tier, tier.blockOf(now)));
        ASSERT_TRUE(name);
        EXPECT_EQ(name->pair, "a/b/main");
        EXPECT_EQ(name->tier, &tier);
        EXPECT_FALSE(name->isOld(now + tier.blockMs() * tier.blocksKept));
        EXPECT_TRUE(name->isOld(now + tier.blockMs() * (tier.blocksKept + 1)));
    }
    for (const char* bad : {"", "a@seconds@x", "a@years@1", "a@1", "a"}) EXPECT_FALSE(parseBlockId(bad)) << bad;
}

TEST(LagHistory, TheFinestTierThatReachesBackIsTaken) {
    const UnixMs now = 1'700'000'000'000;
    EXPECT_EQ(tierFor(now - 600'000, now).name, "seconds");
    EXPECT_EQ(tierFor(now - 7200'000, now).name, "minutes");
    EXPECT_EQ(tierFor(now - 86'400'000LL, now).name, "hours");
    EXPECT_EQ(tierNamed("hours"), &tiers[2]);
    EXPECT_EQ(tierNamed("years"), nullptr);
}

}  // namespace
}  // namespace swb::health
