#include "run/advance.h"

#include <algorithm>

#include "base/assert.h"
#include "run/table.h"

namespace swb::run {
namespace {

// Short enough for the link's limit whatever the names of servers and databases are.
std::string commandId(const Run& run, const Step& step, size_t index, bool undo, int attempt) {
    return run.id + "." + step.name + "." + std::to_string(index) + (undo ? ".undo" : ".act") + std::to_string(attempt);
}

bool anyDone(const Step& step) {
    return std::any_of(step.commands.begin(), step.commands.end(),
                       [](const CommandRecord& record) { return !record.undo && record.state == CommandState::done; });
}

}  // namespace

CommandRecord* Engine::findCommand(std::string_view id) {
    for (Step& step : run().steps)
        for (CommandRecord& record : step.commands)
            if (record.id == id) return &record;
    return nullptr;
}

Step& Engine::stepOf(const CommandRecord& record) {
    for (Step& step : run().steps)
        if (!step.commands.empty() && &record >= &step.commands.front() && &record <= &step.commands.back())
            return step;
    SWB_ASSERT(false, "a command belongs to no step");
    return run().steps.front();
}

void Engine::enter(RunState state, std::string_view cause) {
    if (run().state == state) return;
    SWB_ASSERT(isRow(run().state, cause, state), "the run engine made a change that is not in its table");
    run().state = state;
    touch();
}

std::vector<CommandRecord*> Engine::current(Step& step, bool undo) {
    int newest = 0;
    for (const CommandRecord& record : step.commands)
        if (record.undo == undo) newest = std::max(newest, record.attempt);
    std::vector<CommandRecord*> out;
    for (CommandRecord& record : step.commands)
        if (record.undo == undo && record.attempt == newest) out.push_back(&record);
    return out;
}

void Engine::begin(Step& step, bool undo) {
    int attempt = 1;
    for (const CommandRecord& record : step.commands)
        if (record.undo == undo) attempt = std::max(attempt, record.attempt + 1);
    step.state = undo ? StepState::undoing : StepState::running;
    step.retryAt = 0;
    if (!undo) {
        step.attempts = attempt;
        if (!step.startedAt) step.startedAt = now_;
        if (step.inOutage && !run().outageStartedAt) run().outageStartedAt = now_;
        if (step.holdsTraffic && !run().heldAt) run().heldAt = now_;
    }
    // Computed after the times are set: a step may give its agents what is left of the budget.
    const StepKind& kind = catalogue_.at(step.kind);
    const auto specs = undo ? kind.undo(run(), step) : kind.act(run(), step);
    size_t index = 0;
    for (const CommandSpec& spec : specs) {
        CommandRecord record;
        record.id = commandId(run(), step, index++, undo, attempt);
        record.key = spec.key;
        record.server = spec.server;
        record.verb = spec.verb;
        record.undo = undo;
        record.attempt = attempt;
        record.deadlineMs = spec.deadlineMs;
        record.sentAt = now_;
        effect(Effect::Kind::send, record.id);
        step.commands.push_back(std::move(record));
    }
    say((undo ? "undoing " : attempt > 1 ? "again " : "") + step.name + (step.title.empty() ? "" : ": " + step.title));
    touch();
}

void Engine::stepDone(Step& step, Json result) {
    step.state = StepState::done;
    // A step that was sent ahead is judged late: it ended when its last command did.
    step.finishedAt = step.startedAt;
    for (const CommandRecord* record : current(step, false))
        step.finishedAt = std::max(step.finishedAt, record->finishedAt);
    step.detail = textAt(result, "detail");
    if (const Json* lost = memberAt(result, "lost"); lost && !lost->is_null()) run().lost = *lost;
    step.result = std::move(result);
    step.error = Error(ErrorCode::Bug, "");
    if (step.inOutage) run().outageEndedAt = std::max(run().outageEndedAt, step.finishedAt);
    if (step.pointOfNoReturn && !run().pointOfNoReturnAt) run().pointOfNoReturnAt = now_;
    if (step.pointOfNoReturn && run().abortRequested) {
        run().abortRequested = false;
        say("the abort came after the point of no return: the run goes forward");
    }
    say(step.name + " done" + (step.detail.empty() ? "" : ": " + step.detail));
    touch();
}

void Engine::scheduleRetry(Step& step) {
    int attempts = 0;
    for (const CommandRecord& record : step.commands) attempts = std::max(attempts, record.attempt);
    int64_t pause = timing::retryFirstMs;
    for (int i = 1; i < attempts && pause < timing::retryMostMs; ++i) pause *= 2;
    step.retryAt = now_ + std::min(pause, timing::retryMostMs);
}

// A name that belongs to somebody else still does in five seconds.
bool Engine::awaitsPerson(const Step& step) const {
    return step.state == StepState::failed && step.skippable && step.error.code == ErrorCode::NotOwned &&
           out_.run.pointOfNoReturnPassed() && out_.run.direction == Direction::forward;
}

void Engine::stepFailed(Step& step, Error error) {
    step.error = std::move(error);
    step.detail = describe(step.error);
    step.finishedAt = now_;
    step.state = StepState::failed;
    say(step.name + " failed: " + step.detail);
    touch();
    if (awaitsPerson(step)) return;
    if (run().pointOfNoReturnPassed())
        scheduleRetry(step);
    else
        turnRound(run().abortRequested ? Turn::abort : Turn::failure);
}

void Engine::judge(Step& step) {
    const auto records = current(step, false);
    for (const CommandRecord* record : records)
        if (isPending(*record)) return;
    // One promotion of several is enough: from here there is no way back (I9).
    if (step.pointOfNoReturn && !run().pointOfNoReturnAt && anyDone(step)) run().pointOfNoReturnAt = now_;
    for (const CommandRecord* record : records)
        if (record->state == CommandState::failed) return stepFailed(step, record->error);
    auto result = catalogue_.at(step.kind).verify(run(), step);
    if (result)
        stepDone(step, std::move(*result));
    else
        stepFailed(step, std::move(result.error()));
}

void Engine::turnRound(Turn turn) {
    if (run().direction == Direction::backward) return;
    SWB_ASSERT(!run().pointOfNoReturnPassed(), "a run turned round after its point of no return");
    run().direction = Direction::backward;
    run().turn = turn;
    run().pauseRequested = false;
    bool beyond = false;
    for (Step& step : run().steps) {
        if (step.state == StepState::running) {
            for (CommandRecord* record : current(step, false)) {
                if (!isPending(*record)) continue;
                if (!record->neverLeft) {
                    effect(Effect::Kind::cancel, record->id);
                    continue;
                }
                record->state = CommandState::failed;
                record->error = Error(ErrorCode::AgentMissing, "the agent of " + record->server + " was not connected");
                record->finishedAt = now_;
            }
            // What was sent ahead together with the promotion cannot have succeeded without it.
            if (beyond) step.state = StepState::undone;
        }
        beyond = beyond || step.pointOfNoReturn;
    }
    say(turn == Turn::abort ? "aborted: the run goes backward" : "the run goes backward");
    touch();
}

bool Engine::waitsForOutcome(const Step& step) const {
    if (step.state != StepState::running && step.state != StepState::undoing) return false;
    const bool undo = step.state == StepState::undoing;
    int newest = 0;
    for (const CommandRecord& record : step.commands)
        if (record.undo == undo) newest = std::max(newest, record.attempt);
    return std::any_of(step.commands.begin(), step.commands.end(), [&](const CommandRecord& record) {
        return record.undo == undo && record.attempt == newest && isPending(record);
    });
}

bool Engine::overBudget() const {
    const Run& run = out_.run;
    return run.outageBudgetMs && run.heldAt && !run.pointOfNoReturnPassed() && now_ >= run.heldAt + run.outageBudgetMs;
}

Step* Engine::promotionUnderWay() {
    for (Step& step : run().steps) {
        if (!step.pointOfNoReturn || step.state != StepState::running) continue;
        for (const CommandRecord* record : current(step, false))
            if (record->state == CommandState::done || (isPending(*record) && !record->neverLeft)) return &step;
        // A point of no return without commands is passed in the moment it begins.
        if (current(step, false).empty()) return &step;
    }
    return nullptr;
}

bool Engine::pausable(size_t next) const {
    const auto& steps = out_.run.steps;
    return !(next > 0 && steps[next].holdsTraffic && steps[next - 1].holdsTraffic);
}

void Engine::startFrom(size_t index) {
    auto& steps = run().steps;
    if (run().pauseRequested && pausable(index)) {
        run().pauseRequested = false;
        enter(RunState::paused, "pause");
        say("paused before " + steps[index].name);
        return;
    }
    begin(steps[index], false);
    for (size_t next = index + 1; next < steps.size() && steps[next].overlaps; ++next) begin(steps[next], false);
}

void Engine::advanceForward() {
    for (;;) {
        bool moved = false;
        for (Step& step : run().steps) {
            if (step.state != StepState::running || step.retryAt || waitsForOutcome(step)) continue;
            // An overlapping step is judged only after the one it overlaps: its failure may be that one's.
            bool earlierOpen = false;
            for (Step& earlier : run().steps) {
                if (&earlier == &step) break;
                earlierOpen = earlierOpen || earlier.state == StepState::running;
            }
            if (earlierOpen) continue;
            judge(step);
            moved = true;
            if (run().direction == Direction::backward) return;
        }
        if (run().abortRequested && !run().pointOfNoReturnPassed()) {
            if (!promotionUnderWay()) return turnRound(Turn::abort);
        }
        size_t next = 0;
        auto& steps = run().steps;
        while (next < steps.size() && (steps[next].state == StepState::done || steps[next].state == StepState::skipped))
            ++next;
        if (next == steps.size()) return finishRun();
        if (steps[next].state == StepState::pending && run().state != RunState::paused) {
            startFrom(next);
            if (run().state == RunState::paused) return;
            moved = true;
        }
        if (!moved) return;
    }
}

void Engine::advanceBackward() {
    auto& steps = run().steps;
    for (size_t index = steps.size(); index-- > 0;) {
        Step& step = steps[index];
        switch (step.state) {
            case StepState::pending:
            case StepState::skipped:
            case StepState::undone:
                continue;
            case StepState::running:
                if (waitsForOutcome(step)) return;
                if (step.pointOfNoReturn && anyDone(step)) {
                    // It promoted before the cancellation reached it: forward is the only way.
                    run().direction = Direction::forward;
                    run().turn = Turn::none;
                    for (Step& later : steps)
                        if (later.state == StepState::undone) later.state = StepState::pending;
                    return advanceForward();
                }
                break;
            case StepState::undoing: {
                if (waitsForOutcome(step)) return;
                const auto records = current(step, true);
                const auto failed = std::find_if(records.begin(), records.end(), [](const CommandRecord* record) {
                    return record->state == CommandState::failed;
                });
                if (failed != records.end()) {
                    if (!step.retryAt) {
                        step.error = (*failed)->error;
                        step.detail = "undo failed: " + describe(step.error);
                        say(step.name + ": " + step.detail);
                        scheduleRetry(step);
                        touch();
                    }
                    return;
                }
                step.state = StepState::undone;
                step.finishedAt = now_;
                say(step.name + " undone");
                touch();
                continue;
            }
            case StepState::done:
            case StepState::failed:
                break;
        }
        begin(step, true);
        if (waitsForOutcome(step)) return;
        step.state = StepState::undone;
    }
    finishRun();
}

void Engine::finishRun() {
    run().finishedAt = now_;
    if (run().direction == Direction::forward) {
        enter(RunState::done, "complete");
        return;
    }
    if (run().outageStartedAt) run().outageEndedAt = now_;
    for (const Step& step : run().steps)
        if (!step.error.message.empty() && run().detail.empty()) run().detail = step.name + ": " + describe(step.error);
    enter(run().turn == Turn::abort ? RunState::aborted : RunState::failed, "rolled back");
}

void Engine::advance() {
    if (run().finished() || run().state == RunState::planned || run().state == RunState::paused) return;
    if (run().state == RunState::waiting) enter(RunState::running, "outcome");
    if (run().direction == Direction::forward) advanceForward();
    if (run().direction == Direction::backward && !run().finished()) advanceBackward();
    settleState();
}

void Engine::settleState() {
    if (run().state != RunState::running) return;
    for (Step& step : run().steps) {
        if (awaitsDecision(step)) return enter(RunState::waiting, "retry later");
        for (const CommandRecord& record : step.commands)
            if (record.state == CommandState::unknown && waitsForOutcome(step))
                return enter(RunState::waiting, "outcome missing");
    }
}

void Engine::markUnknown(CommandRecord& record) {
    record.state = CommandState::unknown;
    touch();
}

void Engine::ask(CommandRecord& record) {
    record.askedAt = now_;
    effect(Effect::Kind::inquire, record.id);
    touch();
}

}  // namespace swb::run
