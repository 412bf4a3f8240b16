#include "run/engine.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "run/table.h"

namespace swb::run {
namespace {

// Steps like a switch's: two servers, an overlapping step, a step without commands, a point of no return.
class FakeKind final : public StepKind {
  public:
    FakeKind(std::string name, std::vector<std::string> act, std::vector<std::string> undo)
        : name_(std::move(name)), act_(std::move(act)), undo_(std::move(undo)) {}
    std::string_view name() const override { return name_; }
    std::vector<CommandSpec> act(const Run&, const Step&) const override { return specs(act_, "do"); }
    Result<Json> verify(const Run&, const Step& step) const override {
        return Json(JsonObject{{"detail", step.name + " verified"}});
    }
    std::vector<CommandSpec> undo(const Run&, const Step&) const override { return specs(undo_, "undo"); }

  private:
    std::vector<CommandSpec> specs(const std::vector<std::string>& servers, std::string_view what) const {
        std::vector<CommandSpec> out;
        for (const std::string& server : servers)
            out.push_back({server, server, name_ + "." + std::string(what), Json(JsonObject{}), 1000});
        return out;
    }
    std::string name_;
    std::vector<std::string> act_, undo_;
};

const StepCatalogue& catalogue() {
    static const StepCatalogue instance = [] {
        StepCatalogue steps;
        steps.add(std::make_unique<FakeKind>("prepare", std::vector<std::string>{"a", "b"}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("fence", std::vector<std::string>{"a"}, std::vector<std::string>{"a"}));
        steps.add(std::make_unique<FakeKind>("guard", std::vector<std::string>{}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("promote", std::vector<std::string>{"b"}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("activate", std::vector<std::string>{"b"}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("rejoin", std::vector<std::string>{"a"}, std::vector<std::string>{}));
        return steps;
    }();
    return instance;
}

Run newRun() {
    Run run;
    run.id = "r-1";
    run.kind = "switch";
    run.outageBudgetMs = 5000;
    for (const char* name : {"prepare", "fence", "guard", "promote", "activate", "rejoin"}) {
        Step step;
        step.name = step.kind = name;
        step.holdsTraffic = step.inOutage = std::set<std::string>{"fence", "guard", "promote", "activate"}.count(name);
        step.pointOfNoReturn = step.name == "promote";
        step.overlaps = step.name == "activate";
        step.skippable = step.name == "rejoin";
        run.steps.push_back(step);
    }
    return run;
}

// Drives a run by hand: keeps its state, its clock and the effects of the last input.
struct Driver {
    Run run = newRun();
    UnixMs now = 1'000'000;
    std::vector<Effect> effects;

    Result<void> give(const Input& input) {
        auto transition = apply(catalogue(), run, input, now);
        if (!transition) return fail(transition.error());
        // What is stored must be what comes back.
        EXPECT_EQ(toText(toStored(*fromStored(toStored(transition->run)))), toText(toStored(transition->run)));
        run = transition->run;
        effects = transition->effects;
        return {};
    }
    std::string sent(Effect::Kind kind = Effect::Kind::send) const {
        std::string out;
        for (const Effect& effect : effects)
            if (effect.kind == kind) out += (out.empty() ? "" : " ") + effect.commandId;
        return out;
    }
    void done(const std::string& id) { ASSERT_TRUE(give(CommandOutcome{id, CommandState::done, Json(JsonObject{}), {}})); }
    void failed(const std::string& id) {
        ASSERT_TRUE(give(CommandOutcome{id, CommandState::failed, {}, Error(ErrorCode::DatabaseFailed, "no")}));
    }
    void toPromote() {
        ASSERT_TRUE(give(Start{}));
        done("r-1.prepare.0.act1");
        done("r-1.prepare.1.act1");
        done("r-1.fence.0.act1");
    }
    void pastPromote() {
        toPromote();
        done("r-1.promote.0.act1");
        done("r-1.activate.0.act1");
    }
};

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
    EXPECT_EQ(early.give(Skip{"hurry"}).error().code, ErrorCode::RunState) << "nothing stands on a promotion nobody knows of";
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

TEST(RunTable, FromEveryStateThereIsAWayToAnEnd) {
    for (const RunState start : {RunState::planned, RunState::running, RunState::paused, RunState::waiting}) {
        std::set<RunState> reached{start};
        for (bool grew = true; grew;) {
            grew = false;
            for (const StateRow& row : stateTable())
                if (reached.count(row.from)) grew = reached.insert(row.to).second || grew;
        }
        EXPECT_TRUE(reached.count(RunState::done) || reached.count(RunState::aborted)) << nameOf(start);
    }
    for (const StateRow& row : stateTable())
        EXPECT_FALSE(row.from == RunState::done || row.from == RunState::failed || row.from == RunState::aborted)
            << "an end is an end";
}

using RunRecord = Run;  // inside a TEST, Run is GoogleTest's own

// The abstract state: everything but times and texts.
std::string fingerprint(const Run& run) {
    std::string out = std::string(nameOf(run.state)) + (run.direction == Direction::forward ? "f" : "b") +
                      (run.pauseRequested ? "p" : "") + (run.abortRequested ? "a" : "") +
                      (run.pointOfNoReturnAt ? "!" : "") + std::to_string(static_cast<int>(run.turn));
    for (const Step& step : run.steps) {
        out += "|" + std::string(nameOf(step.state)) + (step.retryAt ? "r" : "");
        int newest[2] = {0, 0};
        for (const CommandRecord& record : step.commands)
            newest[record.undo] = std::max(newest[record.undo], record.attempt);
        for (const CommandRecord& record : step.commands)
            if (record.attempt == newest[record.undo])
                out += std::string(record.undo ? "u" : "a") + std::string(nameOf(record.state)).substr(0, 1) +
                       (record.neverLeft ? "n" : "") + record.key;
    }
    return out;
}

std::vector<Input> inputsFor(const Run& run) {
    std::vector<Input> inputs{Start{}, Recover{}, Tick{}, Pause{}, Resume{}, Retry{}, Skip{"x"}, Abort{"x"}};
    for (const char* server : {"a", "b"}) {
        inputs.push_back(ServerLost{server});
        inputs.push_back(ServerBack{server});
    }
    for (const Step& step : run.steps)
        for (const CommandRecord& record : step.commands) {
            if (record.state != CommandState::sent && record.state != CommandState::unknown) continue;
            inputs.push_back(CommandOutcome{record.id, CommandState::done, Json(JsonObject{}), {}});
            inputs.push_back(CommandOutcome{record.id, CommandState::failed, {}, Error(ErrorCode::DatabaseFailed, "no")});
            inputs.push_back(CommandOutcome{record.id, CommandState::unknown, {}, Error(ErrorCode::Interrupted, "?")});
            inputs.push_back(CommandNeverArrived{record.id});
            inputs.push_back(CommandNotSent{record.id, record.sentAt});
            inputs.push_back(CommandStillRunning{record.id});
        }
    return inputs;
}

// I5 over the engine itself: every state that any sequence of inputs can reach (retries folded together) is explored,
// and from each of them an end is reachable. On the way: nothing is undone after the point of no return, and no run ends
// failed or aborted with a fence in place.
TEST(RunEngine, EveryReachableStateHasAWayToAnEnd) {
    std::map<std::string, std::set<std::string>> reverse;
    std::map<std::string, RunRecord> states;
    std::deque<std::string> queue;
    std::set<std::string> ends;
    const auto visit = [&](const RunRecord& run) {
        const std::string key = fingerprint(run);
        if (states.emplace(key, run).second) queue.push_back(key);
        if (run.finished()) ends.insert(key);
        return key;
    };
    visit(newRun());
    while (!queue.empty()) {
        const std::string key = queue.front();
        queue.pop_front();
        const RunRecord run = states.at(key);
        if (run.finished()) continue;
        ASSERT_LT(states.size(), 200'000u);
        for (const Input& input : inputsFor(run)) {
            // Two moments for each input: at once, and after every timer has run out.
            for (const UnixMs now : {UnixMs{1'000'000}, UnixMs{9'000'000'000}}) {
                auto transition = apply(catalogue(), run, input, now);
                if (!transition) continue;
                const RunRecord& next = transition->run;
                if (run.pointOfNoReturnPassed()) {
                    for (const Step& step : next.steps) ASSERT_NE(step.state, StepState::undoing);
                }
                if (next.finished() && next.state != RunState::done) {
                    ASSERT_TRUE(next.find("fence")->state == StepState::undone ||
                                next.find("fence")->state == StepState::pending)
                        << key << " → " << fingerprint(next);
                }
                reverse[visit(next)].insert(key);
            }
        }
    }
    std::set<std::string> good = ends;
    std::deque<std::string> back(ends.begin(), ends.end());
    while (!back.empty()) {
        for (const std::string& before : reverse[back.front()])
            if (good.insert(before).second) back.push_back(before);
        back.pop_front();
    }
    for (const auto& [key, run] : states) EXPECT_TRUE(good.count(key)) << "no way to an end from " << key;
    std::set<RunState> endStates;
    for (const std::string& end : ends) endStates.insert(states.at(end).state);
    EXPECT_EQ(endStates.size(), 3u) << "done, failed and aborted are all reachable";
    EXPECT_GT(states.size(), 200u);
    RecordProperty("states", static_cast<int>(states.size()));
}

}  // namespace
}  // namespace swb::run
