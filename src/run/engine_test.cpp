// What a run does with each input, one situation after the other.
#include "run/run_test_support.h"

namespace swb::run {
namespace {

using namespace test;

TEST(RunEngine, GoesThroughEveryStep) {
    Driver driver;
    ASSERT_TRUE(driver.give(Start{}));
    EXPECT_EQ(driver.sent(), "r-1.prepare.0.act1 r-1.prepare.1.act1");
    driver.done("r-1.prepare.0.act1");
    EXPECT_EQ(driver.sent(), "");
    driver.done("r-1.prepare.1.act1");
    EXPECT_EQ(driver.sent(), "r-1.fence.0.act1");
    driver.now += 40;
    driver.done("r-1.fence.0.act1");
    EXPECT_EQ(driver.sent(), "r-1.promote.0.act1 r-1.activate.0.act1") << "two round trips inside the outage";
    driver.now += 60;
    driver.done("r-1.activate.0.act1");
    EXPECT_EQ(driver.run.find("activate")->state, StepState::running) << "judged only after the promotion";
    driver.done("r-1.promote.0.act1");
    EXPECT_EQ(driver.run.pointOfNoReturnAt, driver.now);
    EXPECT_EQ(driver.sent(), "r-1.rejoin.0.act1");
    driver.done("r-1.rejoin.0.act1");
    EXPECT_EQ(driver.run.state, RunState::done);
    EXPECT_EQ(driver.run.writeOutageMs(), 100);
}

TEST(RunEngine, FailureBeforeThePointOfNoReturnUndoesEverything) {
    Driver driver;
    driver.toPromote();
    driver.failed("r-1.promote.0.act1");
    EXPECT_EQ(driver.sent(), "r-1.fence.0.undo1");
    EXPECT_EQ(driver.run.direction, Direction::backward);
    driver.done("r-1.fence.0.undo1");
    EXPECT_EQ(driver.run.state, RunState::failed);
    EXPECT_EQ(driver.run.find("fence")->state, StepState::undone);
    EXPECT_EQ(driver.run.detail, "promote: SWB-DATABASE-FAILED: no");
}

TEST(RunEngine, AFailedUndoIsTriedAgainUntilItWorks) {
    Driver driver;
    driver.toPromote();
    driver.failed("r-1.promote.0.act1");
    driver.failed("r-1.fence.0.undo1");
    EXPECT_EQ(driver.run.state, RunState::waiting);
    driver.now = nextTick(driver.run);
    ASSERT_TRUE(driver.give(Tick{}));
    EXPECT_EQ(driver.sent(), "r-1.fence.0.undo2");
    driver.done("r-1.fence.0.undo2");
    EXPECT_EQ(driver.run.state, RunState::failed);
}

TEST(RunEngine, AfterThePointOfNoReturnOnlyForward) {
    Driver driver;
    driver.pastPromote();
    EXPECT_EQ(driver.give(Abort{"x"}).error().code, ErrorCode::RunState);
    driver.failed("r-1.rejoin.0.act1");
    EXPECT_EQ(driver.run.state, RunState::waiting);
    EXPECT_EQ(driver.run.direction, Direction::forward);
    driver.now = nextTick(driver.run);
    ASSERT_TRUE(driver.give(Tick{}));
    EXPECT_EQ(driver.sent(), "r-1.rejoin.0.act2");
    driver.failed("r-1.rejoin.0.act2");
    EXPECT_EQ(driver.give(Skip{""}).error().code, ErrorCode::InvalidInput);
    ASSERT_TRUE(driver.give(Skip{"the site is gone"}));
    EXPECT_EQ(driver.run.state, RunState::done);
    EXPECT_EQ(driver.run.find("rejoin")->state, StepState::skipped);
}

TEST(RunEngine, WhatTimeDoesNotEndWaitsForAPerson) {
    Driver driver;
    driver.pastPromote();
    const auto refuse = [&](const std::string& id) {
        ASSERT_TRUE(
            driver.give(CommandOutcome{id, CommandState::failed, {}, Error(ErrorCode::NotOwned, "it is another's")}));
    };
    refuse("r-1.rejoin.0.act1");
    EXPECT_EQ(driver.run.state, RunState::waiting);
    EXPECT_EQ(nextTick(driver.run), 0) << "nothing is tried again by itself";
    driver.now += 60'000;
    ASSERT_TRUE(driver.give(Tick{}));
    ASSERT_TRUE(driver.give(Recover{}));
    EXPECT_EQ(driver.sent(), "");
    EXPECT_EQ(driver.run.state, RunState::waiting);
    ASSERT_TRUE(driver.give(Retry{}));
    EXPECT_EQ(driver.sent(), "r-1.rejoin.0.act2");
    refuse("r-1.rejoin.0.act2");
    ASSERT_TRUE(driver.give(Skip{"it stays theirs"}));
    EXPECT_EQ(driver.run.state, RunState::done);
}

TEST(RunEngine, AnUnknownOutcomeIsAskedForAndNeverAssumed) {
    Driver driver;
    driver.toPromote();
    ASSERT_TRUE(driver.give(ServerLost{"b"}));
    EXPECT_EQ(driver.run.state, RunState::waiting);
    EXPECT_EQ(driver.sent(), "");
    driver.now += 20'000;  // far over the budget: the promotion may have happened, so nothing may be undone
    ASSERT_TRUE(driver.give(Tick{}));
    EXPECT_EQ(driver.run.direction, Direction::forward);
    ASSERT_TRUE(driver.give(ServerBack{"b"}));
    EXPECT_EQ(driver.sent(Effect::Kind::inquire), "r-1.promote.0.act1 r-1.activate.0.act1");
    driver.done("r-1.promote.0.act1");
    EXPECT_TRUE(driver.run.pointOfNoReturnPassed());
}

TEST(RunEngine, AStepOfASiteThatIsGoneForGoodCanBeSkipped) {
    Driver driver;
    driver.pastPromote();
    EXPECT_EQ(driver.give(Skip{"why not"}).error().code, ErrorCode::RunState) << "it is at work";
    ASSERT_TRUE(driver.give(ServerLost{"a"}));
    EXPECT_EQ(driver.run.state, RunState::waiting);
    EXPECT_EQ(driver.give(Skip{""}).error().code, ErrorCode::InvalidInput);
    ASSERT_TRUE(driver.give(Skip{"the site burnt down"}));
    EXPECT_EQ(driver.run.state, RunState::done);
    EXPECT_EQ(driver.run.find("rejoin")->state, StepState::skipped);

    Driver early;
    early.toPromote();
    ASSERT_TRUE(early.give(ServerLost{"b"}));
    EXPECT_EQ(early.give(Skip{"hurry"}).error().code, ErrorCode::RunState)
        << "nothing stands on a promotion nobody knows of";
}

TEST(RunEngine, APromotionThatWasNeverSentDoesNotKeepWritesAway) {
    Driver driver;
    driver.toPromote();
    ASSERT_TRUE(driver.give(CommandNotSent{"r-1.promote.0.act1", driver.now}));
    ASSERT_TRUE(driver.give(CommandNotSent{"r-1.activate.0.act1", driver.now}));
    EXPECT_EQ(driver.run.state, RunState::waiting) << "the agent may come back within the budget";
    EXPECT_EQ(driver.run.direction, Direction::forward);
    driver.now += 5000;
    ASSERT_TRUE(driver.give(Tick{}));
    EXPECT_EQ(driver.sent(), "r-1.fence.0.undo1");
    driver.done("r-1.fence.0.undo1");
    EXPECT_EQ(driver.run.state, RunState::failed);

    Driver aborted;
    aborted.toPromote();
    ASSERT_TRUE(aborted.give(CommandNotSent{"r-1.promote.0.act1", aborted.now}));
    ASSERT_TRUE(aborted.give(Abort{"x"}));
    EXPECT_EQ(aborted.sent(), "r-1.fence.0.undo1");
}

TEST(RunEngine, ASendingThatFailedSaysNothingOfALaterOne) {
    Driver driver;
    driver.toPromote();
    const UnixMs first = driver.now;
    driver.now += 300;
    ASSERT_TRUE(driver.give(ServerBack{"b"}));
    ASSERT_TRUE(driver.give(CommandNeverArrived{"r-1.promote.0.act1"}));
    EXPECT_EQ(driver.sent(), "r-1.promote.0.act1");
    ASSERT_TRUE(driver.give(CommandNotSent{"r-1.promote.0.act1", first}));
    driver.now += 5000;
    ASSERT_TRUE(driver.give(Tick{}));
    EXPECT_EQ(driver.run.direction, Direction::forward) << "it may have begun";
    ASSERT_TRUE(driver.give(CommandNeverArrived{"r-1.promote.0.act1"}));
    EXPECT_EQ(driver.sent(), "r-1.fence.0.undo1") << "over the budget nothing is begun any more";
}

TEST(RunEngine, ACommandThatNeverArrivedIsSentAgainWithItsId) {
    Driver driver;
    ASSERT_TRUE(driver.give(Start{}));
    ASSERT_TRUE(driver.give(ServerLost{"a"}));
    ASSERT_TRUE(driver.give(ServerBack{"a"}));
    ASSERT_TRUE(driver.give(CommandNeverArrived{"r-1.prepare.0.act1"}));
    EXPECT_EQ(driver.sent(), "r-1.prepare.0.act1");
}

TEST(RunEngine, RestartAsksForEverythingThatWasSent) {
    Driver driver;
    driver.toPromote();
    ASSERT_TRUE(driver.give(Recover{}));
    EXPECT_EQ(driver.sent(Effect::Kind::inquire), "r-1.promote.0.act1 r-1.activate.0.act1");
    EXPECT_EQ(driver.sent(), "");
}

TEST(RunEngine, BudgetUsedUpBeforePromotionTurnsRound) {
    Driver driver;
    ASSERT_TRUE(driver.give(Start{}));
    driver.done("r-1.prepare.0.act1");
    driver.done("r-1.prepare.1.act1");
    driver.now += 5000;
    ASSERT_TRUE(driver.give(Tick{}));
    EXPECT_EQ(driver.sent(Effect::Kind::cancel), "r-1.fence.0.act1");
    driver.done("r-1.fence.0.act1");  // it had succeeded after all: it must be undone
    EXPECT_EQ(driver.sent(), "r-1.fence.0.undo1");
    driver.done("r-1.fence.0.undo1");
    EXPECT_EQ(driver.run.state, RunState::failed);
}

TEST(RunEngine, AbortDuringPromotionLetsItsOutcomeDecide) {
    Driver driver;
    driver.toPromote();
    ASSERT_TRUE(driver.give(Abort{"too late?"}));
    EXPECT_EQ(driver.sent(Effect::Kind::cancel), "r-1.promote.0.act1");
    driver.failed("r-1.promote.0.act1");
    driver.done("r-1.fence.0.undo1");
    EXPECT_EQ(driver.run.state, RunState::aborted);

    Driver late;
    late.toPromote();
    ASSERT_TRUE(late.give(Abort{"too late?"}));
    late.done("r-1.promote.0.act1");
    late.done("r-1.activate.0.act1");
    late.done("r-1.rejoin.0.act1");
    EXPECT_EQ(late.run.state, RunState::done);
}

TEST(RunEngine, PausesOnlyWhereNoTrafficIsHeld) {
    Driver driver;
    ASSERT_TRUE(driver.give(Start{}));
    ASSERT_TRUE(driver.give(Pause{}));
    driver.done("r-1.prepare.0.act1");
    driver.done("r-1.prepare.1.act1");
    EXPECT_EQ(driver.run.state, RunState::paused);
    ASSERT_TRUE(driver.give(Resume{}));
    EXPECT_EQ(driver.sent(), "r-1.fence.0.act1");
    ASSERT_TRUE(driver.give(Pause{}));
    driver.done("r-1.fence.0.act1");
    driver.done("r-1.promote.0.act1");
    EXPECT_EQ(driver.run.state, RunState::running) << "no pause inside the outage";
    driver.done("r-1.activate.0.act1");
    EXPECT_EQ(driver.run.state, RunState::paused);
    ASSERT_TRUE(driver.give(Resume{}));
    driver.done("r-1.rejoin.0.act1");
    EXPECT_EQ(driver.run.state, RunState::done);
}

TEST(RunEngine, AbortFromPauseEndsAborted) {
    Driver driver;
    ASSERT_TRUE(driver.give(Start{}));
    ASSERT_TRUE(driver.give(Pause{}));
    driver.done("r-1.prepare.0.act1");
    driver.done("r-1.prepare.1.act1");
    ASSERT_TRUE(driver.give(Abort{"changed my mind"}));
    EXPECT_EQ(driver.run.state, RunState::aborted);
    EXPECT_EQ(driver.run.find("fence")->state, StepState::pending);
}

}  // namespace
}  // namespace swb::run
