// I5: from every state there is a way to an end, over the table and over every state that the engine can get into.
#include <deque>
#include <random>

#include "run/run_test_support.h"
#include "run/table.h"

namespace swb::run {
namespace {

using namespace test;

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
            inputs.push_back(
                CommandOutcome{record.id, CommandState::failed, {}, Error(ErrorCode::DatabaseFailed, "no")});
            inputs.push_back(CommandOutcome{record.id, CommandState::unknown, {}, Error(ErrorCode::Interrupted, "?")});
            inputs.push_back(CommandNeverArrived{record.id});
            inputs.push_back(CommandNotSent{record.id, record.sentAt});
            inputs.push_back(CommandStillRunning{record.id});
        }
    return inputs;
}

// I5 over the engine itself: every state that any sequence of inputs can reach (retries folded together) is explored,
// and from each of them an end is reachable. On the way: nothing is undone after the point of no return, and no run
// ends failed or aborted with a fence in place.
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
