#include "run/engine.h"

#include <algorithm>

#include "base/assert.h"
#include "run/table.h"

namespace swb::run {
namespace {

bool isPending(const CommandRecord& record) {
    return record.state == CommandState::sent || record.state == CommandState::unknown;
}

// Short enough for the link's limit whatever the names of servers and databases are.
std::string commandId(const Run& run, const Step& step, size_t index, bool undo, int attempt) {
    return run.id + "." + step.name + "." + std::to_string(index) + (undo ? ".undo" : ".act") + std::to_string(attempt);
}

bool anyDone(const Step& step) {
    return std::any_of(step.commands.begin(), step.commands.end(), [](const CommandRecord& record) {
        return !record.undo && record.state == CommandState::done;
    });
}

class Engine {
  public:
    Engine(const StepCatalogue& catalogue, const Run& run, UnixMs now) : catalogue_(catalogue), now_(now) {
        out_.run = run;
    }

    // One overload per input.
    Result<void> on(const Start&);
    Result<void> on(const CommandOutcome& outcome);
    Result<void> on(const CommandNeverArrived& input);
    Result<void> on(const CommandStillRunning& input);
    Result<void> on(const ServerLost& input);
    Result<void> on(const ServerBack& input);
    Result<void> on(const Recover&);
    Result<void> on(const Tick&);
    Result<void> on(const Pause&);
    Result<void> on(const Resume&);
    Result<void> on(const Retry&);
    Result<void> on(const Skip& input);
    Result<void> on(const Abort& input);

    Transition finish() { return std::move(out_); }

  private:
    Run& run() { return out_.run; }
    void say(std::string sentence) { out_.sentences.push_back(std::move(sentence)); }
    void touch() { out_.changed = true; }
    void effect(Effect::Kind kind, const std::string& id) { out_.effects.push_back({kind, id}); }

    CommandRecord* findCommand(std::string_view id);
    Step& stepOf(const CommandRecord& record);
    void enter(RunState state, std::string_view cause);
    void settleState();
    void advance();
    void advanceForward();
    void advanceBackward();
    void startFrom(size_t index);
    void begin(Step& step, bool undo);
    // Judges a running step whose commands are all in; true if the step changed state.
    void judge(Step& step);
    void stepFailed(Step& step, Error error);
    void stepDone(Step& step, Json result);
    void turnRound(Turn turn);
    bool waitsForOutcome(const Step& step) const;
    std::vector<CommandRecord*> current(Step& step, bool undo);
    void scheduleRetry(Step& step);
    bool pausable(size_t next) const;
    void finishRun();
    void markUnknown(CommandRecord& record);
    void ask(CommandRecord& record);

    const StepCatalogue& catalogue_;
    UnixMs now_;
    Transition out_;
};

CommandRecord* Engine::findCommand(std::string_view id) {
    for (Step& step : run().steps)
        for (CommandRecord& record : step.commands)
            if (record.id == id) return &record;
    return nullptr;
}

Step& Engine::stepOf(const CommandRecord& record) {
    for (Step& step : run().steps)
        if (!step.commands.empty() && &record >= &step.commands.front() && &record <= &step.commands.back()) return step;
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
    step.finishedAt = now_;
    step.detail = textAt(result, "detail");
    step.result = std::move(result);
    step.error = Error(ErrorCode::Bug, "");
    if (step.inOutage) run().outageEndedAt = now_;
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

void Engine::stepFailed(Step& step, Error error) {
    step.error = std::move(error);
    step.detail = describe(step.error);
    step.finishedAt = now_;
    step.state = StepState::failed;
    say(step.name + " failed: " + step.detail);
    touch();
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
            for (CommandRecord* record : current(step, false))
                if (isPending(*record)) effect(Effect::Kind::cancel, record->id);
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
            bool promoting = false;
            for (const Step& step : run().steps)
                promoting = promoting || (step.pointOfNoReturn && step.state == StepState::running);
            if (!promoting) return turnRound(Turn::abort);
        }
        size_t next = 0;
        auto& steps = run().steps;
        while (next < steps.size() &&
               (steps[next].state == StepState::done || steps[next].state == StepState::skipped))
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
            case StepState::undone: continue;
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
            case StepState::failed: break;
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
    if (run().direction == Direction::forward)
        advanceForward();
    if (run().direction == Direction::backward && !run().finished()) advanceBackward();
    settleState();
}

void Engine::settleState() {
    if (run().state != RunState::running) return;
    for (Step& step : run().steps) {
        if (step.retryAt) return enter(RunState::waiting, "retry later");
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

Result<void> Engine::on(const Start&) {
    if (run().state != RunState::planned) return {};
    run().startedAt = now_;
    enter(RunState::running, "start");
    advance();
    return {};
}

Result<void> Engine::on(const CommandOutcome& outcome) {
    CommandRecord* record = findCommand(outcome.id);
    if (!record || !isPending(*record) || run().finished()) return {};
    record->state = outcome.state;
    record->result = outcome.result;
    record->error = outcome.error;
    record->finishedAt = now_;
    touch();
    if (outcome.state == CommandState::unknown) {
        // The agent looked and cannot tell. The verbs are idempotent: executing it once more is the read-back.
        record->state = CommandState::failed;
        Step& step = stepOf(*record);
        if (!waitsForOutcome(step)) scheduleRetry(step);
    }
    advance();
    return {};
}

Result<void> Engine::on(const CommandNeverArrived& input) {
    CommandRecord* record = findCommand(input.id);
    if (!record || !isPending(*record) || run().finished()) return {};
    if (run().direction == Direction::backward && !record->undo) {
        record->state = CommandState::failed;
        record->error = Error(ErrorCode::AgentMissing, "the command never reached the agent");
        record->finishedAt = now_;
        touch();
        advance();
        return {};
    }
    record->state = CommandState::sent;
    record->sentAt = now_;
    effect(Effect::Kind::send, record->id);
    touch();
    advance();
    return {};
}

Result<void> Engine::on(const CommandStillRunning& input) {
    CommandRecord* record = findCommand(input.id);
    if (!record || record->state != CommandState::unknown || run().finished()) return {};
    record->state = CommandState::sent;
    record->sentAt = now_;
    touch();
    advance();
    return {};
}

Result<void> Engine::on(const ServerLost& input) {
    if (run().finished()) return {};
    for (Step& step : run().steps)
        for (CommandRecord& record : step.commands)
            if (record.server == input.server && record.state == CommandState::sent && waitsForOutcome(step))
                markUnknown(record);
    settleState();
    return {};
}

Result<void> Engine::on(const ServerBack& input) {
    if (run().finished()) return {};
    for (Step& step : run().steps)
        for (CommandRecord& record : step.commands)
            if (record.server == input.server && isPending(record) && waitsForOutcome(step)) {
                markUnknown(record);
                ask(record);
            }
    settleState();
    return {};
}

Result<void> Engine::on(const Recover&) {
    if (run().finished()) return {};
    if (run().state == RunState::planned) return on(Start{});
    for (Step& step : run().steps)
        for (CommandRecord& record : step.commands)
            if (isPending(record) && waitsForOutcome(step)) {
                markUnknown(record);
                ask(record);
            }
    say("the controller restarted: asking the agents what happened");
    touch();
    advance();
    return {};
}

Result<void> Engine::on(const Tick&) {
    if (run().finished()) return {};
    const bool overBudget = run().outageBudgetMs && run().heldAt && !run().pointOfNoReturnPassed() &&
                            run().direction == Direction::forward && now_ >= run().heldAt + run().outageBudgetMs;
    if (overBudget) {
        bool promoting = false;
        for (Step& step : run().steps)
            if (step.pointOfNoReturn && step.state == StepState::running) {
                promoting = true;
                for (CommandRecord* record : current(step, false))
                    if (isPending(*record) && record->askedAt + timing::askAgainMs <= now_) {
                        record->askedAt = now_;
                        effect(Effect::Kind::cancel, record->id);
                        touch();
                    }
            }
        if (!promoting) {
            say("the outage budget of " + std::to_string(run().outageBudgetMs) + " ms is used up");
            if (run().detail.empty()) run().detail = "the outage budget was used up";
            if (run().state == RunState::waiting) enter(RunState::running, "budget");
            turnRound(Turn::failure);
            advance();
        }
    }
    for (Step& step : run().steps) {
        if (step.retryAt && now_ >= step.retryAt) {
            if (run().state == RunState::waiting) enter(RunState::running, "retry");
            begin(step, run().direction == Direction::backward);
            advance();
            return {};
        }
        if (!waitsForOutcome(step)) continue;
        for (CommandRecord& record : step.commands) {
            if (!isPending(record)) continue;
            const bool late = now_ > record.sentAt + record.deadlineMs + timing::deadlineGraceMs;
            const bool missing = record.state == CommandState::unknown || late;
            if (missing && now_ >= record.askedAt + timing::askAgainMs) {
                markUnknown(record);
                ask(record);
            }
        }
    }
    settleState();
    return {};
}

Result<void> Engine::on(const Pause&) {
    if (run().finished()) return fail(ErrorCode::RunState, "run " + run().id + " is finished");
    if (run().direction == Direction::backward)
        return fail(ErrorCode::RunState, "run " + run().id + " is going backward", "wait until it has ended");
    if (run().state == RunState::paused) return {};
    run().pauseRequested = true;
    touch();
    say("a pause was asked for");
    return {};
}

Result<void> Engine::on(const Resume&) {
    if (run().finished()) return fail(ErrorCode::RunState, "run " + run().id + " is finished");
    run().pauseRequested = false;
    touch();
    if (run().state != RunState::paused) return {};
    enter(RunState::running, "resume");
    say("resumed");
    advance();
    return {};
}

Result<void> Engine::on(const Retry&) {
    for (Step& step : run().steps)
        if (step.retryAt) {
            if (run().state == RunState::waiting) enter(RunState::running, "retry");
            begin(step, run().direction == Direction::backward);
            advance();
            return {};
        }
    if (run().state == RunState::waiting) return on(Tick{});
    return fail(ErrorCode::RunState, "no step of run " + run().id + " waits for another attempt");
}

Result<void> Engine::on(const Skip& input) {
    if (run().finished()) return fail(ErrorCode::RunState, "run " + run().id + " is finished");
    if (input.reason.empty()) return fail(ErrorCode::InvalidInput, "skipping a step needs a reason", "use --reason");
    for (Step& step : run().steps) {
        if (!step.retryAt || run().direction == Direction::backward) continue;
        if (!step.skippable)
            return fail(ErrorCode::RunState, "step " + step.name + " cannot be skipped: what follows stands on it");
        step.state = StepState::skipped;
        step.retryAt = 0;
        step.detail = "skipped: " + input.reason + " (" + step.detail + ")";
        step.finishedAt = now_;
        say(step.name + " " + step.detail);
        enter(RunState::running, "skip");
        touch();
        advance();
        return {};
    }
    return fail(ErrorCode::RunState, "no failed step of run " + run().id + " waits for a decision");
}

Result<void> Engine::on(const Abort& input) {
    if (run().finished()) return fail(ErrorCode::RunState, "run " + run().id + " is finished");
    if (run().pointOfNoReturnPassed())
        return fail(ErrorCode::RunState, "run " + run().id + " has passed its point of no return",
                    "let it end, then switch back");
    if (run().direction == Direction::backward || run().abortRequested) return {};
    if (run().detail.empty()) run().detail = "aborted" + (input.reason.empty() ? "" : ": " + input.reason);
    run().abortRequested = true;
    touch();
    if (run().state == RunState::planned) {
        run().finishedAt = now_;
        enter(RunState::aborted, "abort");
        return {};
    }
    if (run().state == RunState::paused || run().state == RunState::waiting) enter(RunState::running, "abort");
    bool promoting = false;
    for (Step& step : run().steps)
        if (step.pointOfNoReturn && step.state == StepState::running) {
            promoting = true;
            for (CommandRecord* record : current(step, false))
                if (isPending(*record)) effect(Effect::Kind::cancel, record->id);
        }
    if (promoting) {
        say("abort asked for while the promotion is under way: its outcome decides");
        settleState();
        return {};
    }
    turnRound(Turn::abort);
    advance();
    return {};
}

}  // namespace

Result<Transition> apply(const StepCatalogue& catalogue, const Run& run, const Input& input, UnixMs now) {
    Engine engine(catalogue, run, now);
    auto outcome = std::visit([&](const auto& value) { return engine.on(value); }, input);
    if (!outcome) return fail(std::move(outcome).error());
    return engine.finish();
}

UnixMs nextTick(const Run& run) {
    if (run.finished() || run.state == RunState::planned) return 0;
    UnixMs next = 0;
    const auto sooner = [&](UnixMs at) {
        if (at && (!next || at < next)) next = at;
    };
    if (run.outageBudgetMs && run.heldAt && !run.pointOfNoReturnPassed() && run.direction == Direction::forward)
        sooner(run.heldAt + run.outageBudgetMs);
    for (const Step& step : run.steps) {
        sooner(step.retryAt);
        if (step.state != StepState::running && step.state != StepState::undoing) continue;
        for (const CommandRecord& record : step.commands) {
            if (record.state == CommandState::unknown) sooner(record.askedAt + timing::askAgainMs);
            if (record.state == CommandState::sent)
                sooner(std::max(record.sentAt + record.deadlineMs + timing::deadlineGraceMs + 1,
                                record.askedAt + timing::askAgainMs));
        }
    }
    return next;
}

Result<Dispatchable> commandOf(const StepCatalogue& catalogue, const Run& run, std::string_view commandId) {
    for (const Step& step : run.steps)
        for (const CommandRecord& record : step.commands) {
            if (record.id != commandId) continue;
            const StepKind& kind = catalogue.at(step.kind);
            for (CommandSpec& spec : record.undo ? kind.undo(run, step) : kind.act(run, step))
                if (spec.key == record.key) return Dispatchable{std::move(spec), step.name};
        }
    return fail(ErrorCode::Bug, "no command " + std::string(commandId) + " in run " + run.id);
}

}  // namespace swb::run
