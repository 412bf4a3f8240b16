// What every database driver must do, whatever the engine: link, switch there and back, every verb twice, every verb
// killed in the middle and repeated. An engine's test file instantiates the suite with its world.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "base/ids.h"
#include "support/database_world.h"

namespace swb::test {

using WorldFactory = std::function<std::unique_ptr<DatabaseWorld>()>;

#define SWB_REQUIRE(result) ASSERT_TRUE(result) << describe((result).error())

class DatabaseConformance : public ::testing::TestWithParam<WorldFactory> {
  protected:
    void SetUp() override {
        world = GetParam()();
        world->link();
        current = &world->a();
        standby = &world->b();
    }

    void prepare() {
        auto source = current->driver->prepareSwitchSource(current->spec, standby->slot, current->context());
        SWB_REQUIRE(source);
        auto replica =
            standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context());
        SWB_REQUIRE(replica);
    }
    // A whole switch; `current` and `standby` are swapped after it.
    void switchOver() {
        prepare();
        if (HasFatalFailure()) return;
        auto token = current->driver->fence(current->spec, ++epoch, current->context());
        SWB_REQUIRE(token);
        auto reached = standby->driver->awaitToken(standby->spec, *token, standby->context());
        SWB_REQUIRE(reached);
        auto promoted = standby->driver->promote(standby->spec, *token, standby->context());
        SWB_REQUIRE(promoted);
        finishSwitch(*token);
    }
    void finishSwitch(const driver::Token& token) {
        auto source = standby->driver->prepareSource(standby->spec, standby->application, current->peer(),
                                                     current->slot, standby->context());
        SWB_REQUIRE(source);
        auto rejoined = current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot,
                                                token, current->context());
        SWB_REQUIRE(rejoined);
        for (DatabaseSide* side : {current, standby}) SWB_REQUIRE(side->driver->endSwitch(side->spec, side->context()));
        std::swap(current, standby);
    }
    void expectWritable(DatabaseSide& side) {
        const std::string tag = newId("t");
        EXPECT_TRUE(world->insert(side, tag));
        written.insert(tag);
    }
    void expectReplicated() {
        const MonotonicMs deadline = SystemClock().monotonic() + 5000;
        while (world->tags(*standby) != written && SystemClock().monotonic() < deadline) ::usleep(2000);
        EXPECT_EQ(world->tags(*standby), written);
        EXPECT_EQ(world->tags(*current), written);
    }
    std::string roleOf(DatabaseSide& side) {
        return textAt(side.driver->inspect(side.spec, nullptr, side.context()), "role");
    }

    // Runs the verb in a process that is killed after `microseconds`; true when it had ended before.
    static bool killedAfter(unsigned microseconds, const std::function<void()>& verb) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            verb();
            ::_exit(0);
        }
        int status = 0;
        ::usleep(microseconds);
        ::kill(pid, SIGKILL);
        ::waitpid(pid, &status, 0);
        return WIFEXITED(status);
    }

    std::unique_ptr<DatabaseWorld> world;
    DatabaseSide* current = nullptr;
    DatabaseSide* standby = nullptr;
    std::set<std::string> written;
    int64_t epoch = 1;
};

TEST_P(DatabaseConformance, LinkReplicatesAndFactsSayIt) {
    expectWritable(*current);
    expectReplicated();
    const driver::Peer peer = current->peer();
    const Json facts = standby->driver->inspect(standby->spec, &peer, standby->context());
    EXPECT_EQ(textAt(facts, "role"), "replica");
    EXPECT_TRUE(booleanAt(facts, "canConnectToPeer")) << toText(facts);
    EXPECT_EQ(roleOf(*current), "primary");
    EXPECT_FALSE(world->insert(*standby, "not-here"));
}

TEST_P(DatabaseConformance, TenAlternatingSwitchesLoseNothing) {
    for (int round = 0; round < 10; ++round) {
        expectWritable(*current);
        switchOver();
        if (HasFatalFailure()) return;
        expectWritable(*current);
        expectReplicated();
    }
}

TEST_P(DatabaseConformance, EveryVerbTwiceIsTheSame) {
    expectWritable(*current);
    prepare();
    ASSERT_FALSE(HasFatalFailure());
    prepare();
    ASSERT_FALSE(HasFatalFailure());
    const auto token = current->driver->fence(current->spec, 7, current->context());
    SWB_REQUIRE(token);
    const auto again = current->driver->fence(current->spec, 7, current->context());
    SWB_REQUIRE(again);
    EXPECT_EQ(toText(token->proof), toText(again->proof));
    for (int time = 0; time < 2; ++time)
        SWB_REQUIRE(standby->driver->awaitToken(standby->spec, *token, standby->context()));
    const auto promoted = standby->driver->promote(standby->spec, *token, standby->context());
    SWB_REQUIRE(promoted);
    const auto promotedAgain = standby->driver->promote(standby->spec, *token, standby->context());
    SWB_REQUIRE(promotedAgain);
    EXPECT_EQ(textAt(*promoted, "switchPoint"), textAt(*promotedAgain, "switchPoint"));
    SWB_REQUIRE(standby->driver->awaitToken(standby->spec, *token, standby->context()));
    SWB_REQUIRE(standby->driver->prepareSource(standby->spec, standby->application, current->peer(), current->slot,
                                               standby->context()));
    SWB_REQUIRE(current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot, *token,
                                        current->context()));
    finishSwitch(*token);
    expectWritable(*current);
    expectReplicated();
}

TEST_P(DatabaseConformance, UnfenceBringsWritesBack) {
    for (int round = 0; round < 3; ++round) {
        expectWritable(*current);
        SWB_REQUIRE(current->driver->fence(current->spec, ++epoch, current->context()));
        EXPECT_FALSE(world->insert(*current, "lost"));
        current->restartAgent();
        for (int time = 0; time < 2; ++time) SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
        expectWritable(*current);
    }
    expectReplicated();
    switchOver();
    expectReplicated();
}

TEST_P(DatabaseConformance, UnfenceOfAReplicaIsRefused) {
    const auto refused = standby->driver->unfence(standby->spec, standby->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::GuardRefused);
    EXPECT_EQ(roleOf(*standby), "replica");
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_FALSE(standby->driver->unfence(standby->spec, standby->context()));
    EXPECT_EQ(roleOf(*standby), "replica");
}

TEST_P(DatabaseConformance, VerbsKilledInTheMiddleAreFinishedByRepeating) {
    for (int round = 0; round < 6; ++round) {
        expectWritable(*current);
        prepare();
        ASSERT_FALSE(HasFatalFailure());
        const auto killed = [](DatabaseSide& side, unsigned spreadMs, const std::function<void()>& verb) {
            killedAfter(randomBelow(spreadMs * 1000), verb);
            side.restartAgent();
        };
        killed(*current, 80, [&] { (void)current->driver->fence(current->spec, 9, current->context()); });
        if (round % 3 == 2) {
            killed(*current, 200, [&] { (void)current->driver->unfence(current->spec, current->context()); });
            SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
            expectWritable(*current);
        }
        const auto token = current->driver->fence(current->spec, 9, current->context());
        SWB_REQUIRE(token);
        killed(*standby, 60, [&] {
            (void)standby->driver->awaitToken(standby->spec, *token, standby->context());
            (void)standby->driver->promote(standby->spec, *token, standby->context());
        });
        SWB_REQUIRE(standby->driver->awaitToken(standby->spec, *token, standby->context()));
        SWB_REQUIRE(standby->driver->promote(standby->spec, *token, standby->context()));
        SWB_REQUIRE(standby->driver->prepareSource(standby->spec, standby->application, current->peer(), current->slot,
                                                   standby->context()));
        killed(*current, 400, [&] {
            (void)current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot, *token,
                                          current->context());
        });
        finishSwitch(*token);
        ASSERT_FALSE(HasFatalFailure());
        expectWritable(*current);
        expectReplicated();
    }
}

}  // namespace swb::test
