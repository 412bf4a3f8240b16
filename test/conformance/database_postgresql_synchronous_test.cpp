// Commits that wait for the other site, on real servers whose link is really cut (the receiver is stopped).
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

class PostgresqlSynchronous : public ::testing::Test {
  protected:
    void SetUp() override { world.link(); }
    void TearDown() override { resume(); }

    // As the agent's supervisor does, faster.
    void lookUntil(const std::string& names, int64_t milliseconds = 20'000) {
        const MonotonicMs until = SystemClock().monotonic() + milliseconds;
        while (this->names(*current) != names && SystemClock().monotonic() < until) look();
        ASSERT_EQ(this->names(*current), names);
    }
    void look() {
        SWB_REQUIRE(current->driver->ensureRunning(current->spec, "primary", current->context()));
        ::usleep(200'000);
    }
    std::string names(DatabaseSide& side) { return world.sql(side, "SHOW synchronous_standby_names"); }
    Json synchronous(DatabaseSide& side) {
        const Json facts = side.driver->inspect(side.spec, nullptr, side.context());
        const Json* found = memberAt(facts, "synchronous");
        return found ? *found : Json(nullptr);
    }
    void ask(WhenCut whenCut) {
        world.a().spec.synchronous = {world.b().application, whenCut};
        world.b().spec.synchronous = {world.a().application, whenCut};
        lookUntil(standby->slot);
    }
    void cut() {
        receiver = std::atoi(world.sql(*standby, "SELECT pid FROM pg_stat_wal_receiver").c_str());
        ASSERT_GT(receiver, 0);
        ASSERT_EQ(::kill(receiver, SIGSTOP), 0);
    }
    void resume() {
        if (receiver > 0) ::kill(receiver, SIGCONT);
        receiver = 0;
    }
    void switchOver() {
        SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
        SWB_REQUIRE(standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context()));
        const auto token = current->driver->fence(current->spec, ++epoch, current->context());
        SWB_REQUIRE(token);
        SWB_REQUIRE(standby->driver->awaitToken(standby->spec, *token, standby->context()));
        SWB_REQUIRE(standby->driver->promote(standby->spec, *token, standby->context()));
        // Nobody follows yet: the first commit must not wait for that.
        const double start = preciseMs();
        EXPECT_TRUE(world.insert(*standby, newTag()));
        EXPECT_LT(preciseMs() - start, 3000);
        SWB_REQUIRE(standby->driver->prepareSource(standby->spec, standby->application, current->peer(), current->slot,
                                                   standby->context()));
        SWB_REQUIRE(current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot, *token,
                                            current->context()));
        for (DatabaseSide* side : {current, standby}) SWB_REQUIRE(side->driver->endSwitch(side->spec, side->context()));
        std::swap(current, standby);
    }
    std::string newTag() { return "tag-" + std::to_string(++tags); }

    PostgresqlWorld world;
    DatabaseSide* current = &world.a();
    DatabaseSide* standby = &world.b();
    pid_t receiver = 0;
    int64_t epoch = 1;
    std::atomic<int> tags{0};
};

}  // namespace

TEST_F(PostgresqlSynchronous, ACutDegradesWithinItsTimeAndEndsByItself) {
    ask(WhenCut::degrade);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(world.sql(*current, "SELECT sync_state FROM pg_stat_replication"), "sync");
    EXPECT_TRUE(world.insert(*current, newTag()));
    EXPECT_EQ(textAt(synchronous(*current), "state"), "synchronous");
    cut();
    const double start = preciseMs();
    auto hanging = std::async(std::launch::async, [&] { return world.insert(*current, "hangs"); });
    lookUntil("");
    EXPECT_TRUE(hanging.get());
    const double waited = preciseMs() - start;
    EXPECT_GT(waited, 4000) << "it did wait";
    EXPECT_LT(waited, 9500);
    const Json facts = synchronous(*current);
    EXPECT_EQ(textAt(facts, "state"), "degraded") << toText(facts);
    EXPECT_GT(integerAt(facts, "unconfirmedBytes"), 0) << "what the other site lacks";
    // The receiver's row is still there. It is not waited for again.
    const double free = preciseMs();
    for (int i = 0; i < 20; ++i) {
        look();
        EXPECT_TRUE(world.insert(*current, newTag()));
    }
    EXPECT_LT(preciseMs() - free, 9000);
    EXPECT_EQ(names(*current), "");
    resume();
    lookUntil(standby->slot);
    EXPECT_EQ(textAt(synchronous(*current), "state"), "synchronous");
    EXPECT_TRUE(world.insert(*current, newTag()));
    // It moves with a switch, and the new primary does not hang for want of its former one.
    switchOver();
    lookUntil(standby->slot);
    EXPECT_EQ(world.sql(*current, "SELECT sync_state FROM pg_stat_replication"), "sync");
}

TEST_F(PostgresqlSynchronous, WhoAskedToWaitWaitsAndItIsSaid) {
    ask(WhenCut::wait);
    ASSERT_FALSE(HasFatalFailure());
    cut();
    auto hanging = std::async(std::launch::async, [&] { return world.insert(*current, "hangs"); });
    const MonotonicMs until = SystemClock().monotonic() + 20'000;
    while (textAt(synchronous(*current), "state") != "waiting" && SystemClock().monotonic() < until) look();
    const Json facts = synchronous(*current);
    EXPECT_EQ(textAt(facts, "state"), "waiting") << toText(facts);
    EXPECT_EQ(integerAt(facts, "waitingCommits"), 1);
    EXPECT_EQ(names(*current), standby->slot) << "nothing was given up";
    EXPECT_EQ(hanging.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    // A cancelled wait has committed here and nowhere else: it is among the unconfirmed bytes.
    world.sql(*current, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    EXPECT_TRUE(hanging.get());
    EXPECT_EQ(world.tags(*current).count("hangs"), 1U);
    EXPECT_EQ(world.tags(*standby).count("hangs"), 0U);
    EXPECT_GT(integerAt(synchronous(*current), "unconfirmedBytes"), 0);
    resume();
    const MonotonicMs back = SystemClock().monotonic() + 20'000;
    while (textAt(synchronous(*current), "state") != "synchronous" && SystemClock().monotonic() < back) look();
    EXPECT_EQ(textAt(synchronous(*current), "state"), "synchronous");
    EXPECT_TRUE(world.insert(*current, newTag()));
    // No longer asked for: nothing of it stays.
    current->spec.synchronous = {};
    lookUntil("");
}

// Names that somebody set by hand: kept through switches, and never a reason to hang.
TEST_F(PostgresqlSynchronous, SomebodysOwnNamesComeBackWhenTheirStandbysStream) {
    world.sql(*current, "ALTER SYSTEM SET synchronous_standby_names = '" + standby->slot + "'");
    world.sql(*standby, "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (" + current->slot + ", elsewhere)'");
    for (DatabaseSide* side : {current, standby}) world.sql(*side, "SELECT pg_reload_conf()");
    ::usleep(200'000);
    EXPECT_TRUE(world.insert(*current, newTag()));
    const std::string there = "FIRST 1 (" + current->slot + ", elsewhere)";
    switchOver();
    EXPECT_EQ(names(*current), there) << "its standby streams again when the switch ends";
    EXPECT_TRUE(world.insert(*current, newTag()));
    // And one that nobody satisfies stays aside, visibly.
    world.sql(*standby, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    world.sql(*standby, "SELECT pg_reload_conf()");
    ::usleep(200'000);
    switchOver();
    EXPECT_EQ(names(*current), "");
    EXPECT_EQ(textAt(synchronous(*current), "state"), "degraded");
    EXPECT_TRUE(world.insert(*current, newTag()));
    look();
    EXPECT_EQ(names(*current), "");
    // The replica has its own again, for the next time.
    EXPECT_EQ(names(*standby), there);
}

}  // namespace swb::test
