// What every database driver must do, whatever the engine: link, switch there and back, detach and resync, every verb
// twice, with hardly any time, killed in the middle and repeated, and nothing with a wrong token. An engine's test file
// instantiates the suite with its world.
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

TEST_P(DatabaseConformance, TheFenceAsksBeforeItClosesWrites) {
    prepare();
    ASSERT_FALSE(HasFatalFailure());
    driver::Context context = current->context();
    int asked = 0;
    context.beforeClosing = [&] {
        ++asked;
        expectWritable(*current);
        return Result<void>(tl::unexpect, Error(ErrorCode::Interrupted, "another database is not ready"));
    };
    const auto refused = current->driver->fence(current->spec, 7, context);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Interrupted);
    EXPECT_EQ(asked, 1);
    expectWritable(*current);
    SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
    expectWritable(*current);
    expectReplicated();

    context = current->context();
    context.beforeClosing = [&] {
        ++asked;
        expectWritable(*current);
        return Result<void>();
    };
    SWB_REQUIRE(current->driver->fence(current->spec, 7, context));
    EXPECT_EQ(asked, 2);
    EXPECT_FALSE(world->insert(*current, "behind-the-fence"));
    SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
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

TEST_P(DatabaseConformance, AReplicaPromotedByItselfStandsAloneAndCanBeSeededAgain) {
    expectWritable(*current);
    expectReplicated();
    for (int time = 0; time < 2; ++time)
        SWB_REQUIRE(standby->driver->promoteStandalone(standby->spec, false, standby->context()));
    for (int time = 0; time < 2; ++time)
        SWB_REQUIRE(current->driver->releaseSource(current->spec, {standby->slot}, current->context()));
    EXPECT_EQ(roleOf(*standby), "primary");
    // Both stand alone: neither's rows reach the other.
    EXPECT_TRUE(world->insert(*standby, "only-there"));
    expectWritable(*current);
    EXPECT_TRUE(world->tags(*standby).count("only-there"));
    EXPECT_FALSE(world->tags(*current).count("only-there"));
    // Resync: what only the target has is replaced.
    SWB_REQUIRE(current->driver->prepareSource(current->spec, current->application, standby->peer(), standby->slot,
                                               current->context()));
    SWB_REQUIRE(standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                      standby->context(60'000)));
    SWB_REQUIRE(
        standby->driver->prepareSource(standby->spec, standby->application, current->peer(), "", standby->context()));
    expectReplicated();
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    expectWritable(*current);
    expectReplicated();
}

TEST_P(DatabaseConformance, ASeedKilledInTheMiddleIsFinishedByRepeating) {
    expectWritable(*current);
    for (int round = 0; round < 4; ++round) {
        const bool ended = killedAfter(randomBelow(600'000), [&] {
            (void)standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                        standby->context(60'000));
        });
        standby->restartAgent();
        expectWritable(*current);
        if (round % 2 == 0 && !ended) continue;  // killed twice
        SWB_REQUIRE(current->driver->prepareSource(current->spec, current->application, standby->peer(), standby->slot,
                                                   current->context()));
        SWB_REQUIRE(standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                          standby->context(60'000)));
        expectReplicated();
    }
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    expectWritable(*current);
    expectReplicated();
}

TEST_P(DatabaseConformance, AStandbyThatIsBehindItsTokenIsNotPromoted) {
    expectWritable(*current);
    prepare();
    ASSERT_FALSE(HasFatalFailure());
    auto token = current->driver->fence(current->spec, 3, current->context());
    SWB_REQUIRE(token);
    SWB_REQUIRE(standby->driver->awaitToken(standby->spec, *token, standby->context()));
    // A token of later writes than the replica has: as if the last of them had not come through.
    driver::Token later = *token;
    later.proof = world->laterToken(token->proof);
    const MonotonicMs start = SystemClock().monotonic();
    const auto awaited = standby->driver->awaitToken(standby->spec, later, standby->context(400));
    ASSERT_FALSE(awaited);
    EXPECT_EQ(awaited.error().code, ErrorCode::TokenNotReached) << describe(awaited.error());
    EXPECT_LT(SystemClock().monotonic() - start, 2000);
    EXPECT_FALSE(standby->driver->promote(standby->spec, later, standby->context(400)));
    EXPECT_EQ(roleOf(*standby), "replica");
    SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
    expectWritable(*current);
    expectReplicated();
}

TEST_P(DatabaseConformance, ATokenOfAnotherOriginIsRefused) {
    prepare();
    ASSERT_FALSE(HasFatalFailure());
    auto token = current->driver->fence(current->spec, 3, current->context());
    SWB_REQUIRE(token);
    driver::Token foreign = *token;
    foreign.proof = world->foreignToken(token->proof);
    const auto awaited = standby->driver->awaitToken(standby->spec, foreign, standby->context(2000));
    ASSERT_FALSE(awaited);
    EXPECT_EQ(awaited.error().code, ErrorCode::IdentityMismatch) << describe(awaited.error());
    EXPECT_FALSE(standby->driver->promote(standby->spec, foreign, standby->context(2000)));
    EXPECT_EQ(roleOf(*standby), "replica");
    for (const char* engine : {"", "oracle"}) {
        foreign.proof = token->proof;
        foreign.proof.as_object()["engine"] = engine;
        EXPECT_FALSE(standby->driver->promote(standby->spec, foreign, standby->context(2000)));
    }
    SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
    expectReplicated();
}

TEST_P(DatabaseConformance, EveryVerbKeepsItsDeadline) {
    expectWritable(*current);
    const auto ends = [](const char* verb, const std::function<void()>& run) {
        const MonotonicMs start = SystemClock().monotonic();
        run();
        EXPECT_LT(SystemClock().monotonic() - start, 3000) << verb;
    };
    // Whatever each answers with no time left, it answers it soon, and nothing is broken by it.
    const driver::Token nothing{current->spec.name, JsonObject{}};
    ends("inspect", [&] { (void)standby->driver->inspect(standby->spec, nullptr, standby->context(1)); });
    ends("prepare-source", [&] {
        (void)current->driver->prepareSource(current->spec, current->application, standby->peer(), standby->slot,
                                             current->context(1));
    });
    ends("test-source",
         [&] { (void)standby->driver->testSource(standby->spec, current->peer(), standby->context(1)); });
    ends("prepare-switch", [&] {
        (void)standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context(1));
    });
    ends("await-token", [&] { (void)standby->driver->awaitToken(standby->spec, nothing, standby->context(1)); });
    ends("promote", [&] { (void)standby->driver->promote(standby->spec, nothing, standby->context(1)); });
    EXPECT_EQ(roleOf(*standby), "replica");
    ends("fence", [&] { (void)current->driver->fence(current->spec, 4, current->context(1)); });
    SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
    expectWritable(*current);
    expectReplicated();
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    expectReplicated();
}

TEST_P(DatabaseConformance, StoppedServersComeBackInTheRoleOfTheirGuard) {
    expectWritable(*current);
    for (DatabaseSide* side : {current, standby}) {
        SWB_REQUIRE(side->driver->stop(side->spec, side->context()));
        SWB_REQUIRE(side->driver->stop(side->spec, side->context()));
        EXPECT_FALSE(booleanAt(side->driver->inspect(side->spec, nullptr, side->context()), "running"));
    }
    SWB_REQUIRE(standby->driver->ensureRunning(standby->spec, "replica", standby->context()));
    SWB_REQUIRE(current->driver->ensureRunning(current->spec, "primary", current->context()));
    expectWritable(*current);
    expectReplicated();
    // Fenced, and then the machine starts anew: nothing is taken until the fence is lifted.
    SWB_REQUIRE(current->driver->fence(current->spec, 5, current->context()));
    SWB_REQUIRE(current->driver->stop(current->spec, current->context()));
    current->restartAgent();
    SWB_REQUIRE(current->driver->ensureRunning(current->spec, "replica", current->context()));
    EXPECT_FALSE(world->insert(*current, "not-here"));
    EXPECT_TRUE(booleanAt(current->driver->inspect(current->spec, nullptr, current->context()), "fenced"));
    SWB_REQUIRE(current->driver->unfence(current->spec, current->context()));
    for (DatabaseSide* side : {current, standby})
        SWB_REQUIRE(side->driver->ensureRunning(side->spec, side == current ? "primary" : "replica", side->context()));
    expectWritable(*current);
    expectReplicated();
}

}  // namespace swb::test
