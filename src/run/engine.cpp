#include "run/engine.h"

#include <algorithm>

#include "run/advance.h"

namespace swb::run {

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
        if (!waitsForOutcome(step)) {
            scheduleRetry(step);
            say(step.name + " is repeated: " + record->error.message);
        }
    }
    advance();
    return {};
}

Result<void> Engine::on(const CommandNeverArrived& input) {
    CommandRecord* record = findCommand(input.id);
    if (!record || !isPending(*record) || run().finished()) return {};
    // Once the run wants to go back, nothing that has not begun is begun any more.
    const bool turning = run().abortRequested || overBudget();
    if (!record->undo && (run().direction == Direction::backward || turning)) {
        record->state = CommandState::failed;
        record->error = Error(ErrorCode::AgentMissing, "the command never reached the agent");
        record->finishedAt = now_;
        touch();
        advance();
        return {};
    }
    record->state = CommandState::sent;
    record->sentAt = now_;
    record->neverLeft = false;
    effect(Effect::Kind::send, record->id);
    touch();
    advance();
    return {};
}

Result<void> Engine::on(const CommandNotSent& input) {
    CommandRecord* record = findCommand(input.id);
    // A later sending may have had a connection: then the word is stale.
    if (!record || record->state != CommandState::sent || record->sentAt != input.sentAt || run().finished()) return {};
    record->neverLeft = true;
    markUnknown(*record);
    settleState();
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
    if (overBudget() && run().direction == Direction::forward) {
        if (Step* promotion = promotionUnderWay()) {
            for (CommandRecord* record : current(*promotion, false))
                if (isPending(*record) && record->askedAt + timing::askAgainMs <= now_) {
                    record->askedAt = now_;
                    effect(Effect::Kind::cancel, record->id);
                    touch();
                }
        } else {
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
        if (awaitsDecision(step)) {
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
        // Also when the outcome is missing: a site that never comes back may not hold the run for ever.
        const auto records = current(step, false);
        const bool missing = step.state == StepState::running &&
                             std::any_of(records.begin(), records.end(), [](const CommandRecord* record) {
                                 return record->state == CommandState::unknown;
                             });
        if ((!awaitsDecision(step) && !missing) || run().direction == Direction::backward) continue;
        if (!step.skippable)
            return fail(ErrorCode::RunState, "step " + step.name + " cannot be skipped: what follows stands on it");
        for (CommandRecord* record : records) {
            if (!isPending(*record)) continue;
            effect(Effect::Kind::cancel, record->id);
            record->state = CommandState::failed;
            record->error = Error(ErrorCode::OutcomeUnknown, "the step was skipped before its outcome was known");
            record->finishedAt = now_;
        }
        step.state = StepState::skipped;
        step.retryAt = 0;
        step.detail = "skipped: " + input.reason + " (" + (missing ? "its outcome is not known" : step.detail) + ")";
        step.finishedAt = now_;
        say(step.name + " " + step.detail);
        enter(RunState::running, "skip");
        touch();
        advance();
        return {};
    }
    return fail(ErrorCode::RunState, "no step of run " + run().id + " waits for a decision");
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
    if (Step* promotion = promotionUnderWay()) {
        for (CommandRecord* record : current(*promotion, false))
            if (isPending(*record)) effect(Effect::Kind::cancel, record->id);
        say("abort asked for while the promotion is under way: its outcome decides");
        settleState();
        return {};
    }
    turnRound(Turn::abort);
    advance();
    return {};
}

Result<Transition> apply(const StepCatalogue& catalogue, const Run& run, const Input& input, UnixMs now) {
    Engine engine(catalogue, run, now);
    auto outcome = std::visit([&](const auto& value) { return engine.on(value); }, input);
    if (!outcome) return fail(std::move(outcome).error());
    return engine.finish();
}

UnixMs nextTick(const Run& run) {
    if (run.finished() || run.state == RunState::planned) return 0;
    UnixMs next = 0, budgetAt = 0;
    const auto sooner = [&](UnixMs at) {
        if (at && (!next || at < next)) next = at;
    };
    if (run.outageBudgetMs && run.heldAt && !run.pointOfNoReturnPassed() && run.direction == Direction::forward)
        budgetAt = run.heldAt + run.outageBudgetMs;
    for (const Step& step : run.steps) {
        sooner(step.retryAt);
        if (step.state != StepState::running && step.state != StepState::undoing) continue;
        for (const CommandRecord& record : step.commands) {
            // Over the budget, a promotion under way is asked to end again and again, but not all the time.
            if (step.pointOfNoReturn && budgetAt && isPending(record) && !record.neverLeft)
                budgetAt = std::max(budgetAt, record.askedAt + timing::askAgainMs);
            if (record.state == CommandState::unknown) sooner(record.askedAt + timing::askAgainMs);
            if (record.state == CommandState::sent)
                sooner(std::max(record.sentAt + record.deadlineMs + timing::deadlineGraceMs + 1,
                                record.askedAt + timing::askAgainMs));
        }
    }
    sooner(budgetAt);
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
