// Which standbys commits wait for, and when waiting for one is given up.
#include <gtest/gtest.h>

#include "driver/postgresql/synchronous.h"

namespace swb::driver::postgresql {

TEST(PostgresqlStandbyNames, AreReadAsTheServerReadsThem) {
    const auto needs = [](std::string_view text, const std::vector<std::string>& streaming) {
        const auto names = parseStandbyNames(text);
        EXPECT_TRUE(names) << text;
        return names && names->satisfiedBy(streaming);
    };
    EXPECT_TRUE(needs("swb_shop_nyc", {"other", "swb_shop_nyc"}));
    EXPECT_FALSE(needs("swb_shop_nyc", {"other"}));
    EXPECT_TRUE(needs("a, B", {"b"}));
    EXPECT_TRUE(needs("*", {"anybody"}));
    EXPECT_FALSE(needs("*", {}));
    EXPECT_FALSE(needs("2 (a, b, c)", {"a"}));
    EXPECT_TRUE(needs("FIRST 2 (a, b, c)", {"c", "a"}));
    EXPECT_TRUE(needs("any 1(\"Site \"\"A\"\"\", b)", {"site \"a\""}));
    EXPECT_TRUE(needs("first, any", {"any"})) << "they may be names";
    for (const char* bad : {"", " ", "2 (a", "a b", "a,", ", a", "0 (a)", "2 ()", "\"a", "FIRST x (a)", "1 (a) b"})
        EXPECT_FALSE(parseStandbyNames(bad)) << bad;
}

namespace {

SyncLook armed(MonotonicMs at, const char* flushed, int64_t waiting) {
    return {at, true, true, flushed, "r" + std::string(flushed), 0, waiting};
}

}  // namespace

TEST(PostgresqlSyncWatch, CommitsThatHangAreACutAndIdlenessIsNone) {
    SyncWatch watch;
    for (MonotonicMs at = 0; at < 60'000; at += 1000)
        EXPECT_EQ(watch.look(armed(at, "0/1", 0), WhenCut::degrade), SyncAction::none) << "nobody waits";
    for (MonotonicMs at = 60'000; at < 80'000; at += 1000)
        EXPECT_EQ(watch.look(armed(at, std::to_string(at).c_str(), 3), WhenCut::degrade), SyncAction::none) << "slow";
    MonotonicMs at = 80'000;
    while (watch.look(armed(at, "0/9", 3), WhenCut::degrade) == SyncAction::none && at < 90'000) at += 1000;
    EXPECT_EQ(at, 80'000 + cutPatienceMs);
    // Its row is still there, and says what it last said: no reason to wait for it again.
    SyncLook stuck{at, false, true, "0/9", "r0/9", 100, 0};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(watch.look(stuck, WhenCut::degrade), SyncAction::none);
    SyncLook back = stuck;
    back.replied = "later";
    back.lagBytes = 50 << 20;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(watch.look(back, WhenCut::degrade), SyncAction::none) << "far behind";
    back.lagBytes = 100;
    int looks = 1;
    while (watch.look(back, WhenCut::degrade) == SyncAction::none && looks < 10) ++looks;
    EXPECT_EQ(looks, 3);
}

TEST(PostgresqlSyncWatch, AStandbyThatIsGoneIsACutWhoeverWaits) {
    SyncWatch watch;
    const auto gone = [](MonotonicMs at) { return SyncLook{at, true, false, "", "", 0, 0}; };
    EXPECT_EQ(watch.look(armed(0, "0/1", 0), WhenCut::degrade), SyncAction::none);
    EXPECT_EQ(watch.look(gone(cutPatienceMs - 1), WhenCut::degrade), SyncAction::none);
    EXPECT_EQ(watch.look(gone(cutPatienceMs), WhenCut::degrade), SyncAction::degrade);
}

TEST(PostgresqlSyncWatch, WhoWantsToWaitWaitsAndSaysSo) {
    SyncWatch watch;
    for (MonotonicMs at = 0; at <= 60'000; at += 1000)
        EXPECT_EQ(watch.look(armed(at, "0/1", 2), WhenCut::wait), SyncAction::none);
    EXPECT_TRUE(watch.cutOff());
    EXPECT_EQ(watch.look(armed(61'000, "0/2", 0), WhenCut::wait), SyncAction::none);
    EXPECT_FALSE(watch.cutOff());
}

}  // namespace swb::driver::postgresql
