#include "agent/executor.h"

#include <algorithm>

#include "base/fault.h"
#include "base/log.h"
#include "driver/support/urgency.h"

namespace swb::agent {
namespace {

constexpr int64_t progressEveryMs = 200;
constexpr int64_t settleDeadlineMs = 60'000;
constexpr size_t resultBytesMax = limits::linkFrameBytes / 2;

link::Outcome outcomeOf(const std::string& id, const Result<Json>& answer, UnixMs startedAt, MonotonicMs begun) {
    link::Outcome outcome;
    outcome.id = id;
    outcome.startedAt = startedAt;
    outcome.finishedAt = SystemClock().now();
    outcome.milliseconds = SystemClock().monotonic() - begun;
    if (answer) {
        outcome.status = link::OutcomeStatus::done;
        outcome.result = *answer;
        if (toText(outcome.result).size() > resultBytesMax) outcome.result = JsonObject{{"tooLarge", true}};
        return outcome;
    }
    outcome.error = answer.error();
    outcome.status = codeClass(answer.error().code) == ErrorClass::unknown ? link::OutcomeStatus::unknown
                                                                           : link::OutcomeStatus::failed;
    return outcome;
}

// The ledger outlives the command; secrets must not.
link::Command withoutSecrets(link::Command command) {
    if (command.args.is_object()) command.args.as_object().erase("secrets");
    return command;
}

}  // namespace

Executor::Executor(Services& services, Ledger& ledger, std::span<const VerbRow> table, Say say)
    : services_(services), ledger_(ledger), table_(table), say_(std::move(say)), pool_(limits::commandsInFlight) {}

const VerbRow* Executor::find(std::string_view verb) const {
    const auto row =
        std::find_if(table_.begin(), table_.end(), [verb](const VerbRow& one) { return one.name == verb; });
    return row == table_.end() ? nullptr : &*row;
}

std::vector<std::string> Executor::verbs() const {
    std::vector<std::string> names;
    for (const auto& row : table_) names.emplace_back(row.name);
    return names;
}

void Executor::settleUnfinished() {
    for (auto& entry : ledger_.unfinished()) {
        const VerbRow* row = find(entry.command.verb);
        auto running = std::make_shared<Running>();
        running->verb = entry.command.verb;
        {
            const std::lock_guard guard(mutex_);
            running_[entry.command.id] = running;
        }
        logInfo("settle", "command {} ({}) was cut off", entry.command.id, entry.command.verb);
        pool_.submit([this, entry, row, running] {
            if (row) return settle(entry, *row, running);
            finish(outcomeOf(entry.command.id,
                             fail(ErrorCode::Interrupted, "this agent does not know the verb that was cut off"),
                             entry.startedAt, SystemClock().monotonic()));
        });
    }
}

void Executor::settle(const LedgerEntry& entry, const VerbRow& row, const RunningHandle& running) {
    const MonotonicMs begun = SystemClock().monotonic();
    VerbCall call = callFor(entry.command, begun + settleDeadlineMs, running);
    call.startedAt = entry.startedAt;
    auto answer = row.settle(call);
    // A look that failed saw nothing: only NotDone says that it did not happen.
    if (!answer && answer.error().code != ErrorCode::NotDone && answer.error().code != ErrorCode::Interrupted)
        answer = fail(ErrorCode::Interrupted,
                      "the agent ended in the middle of " + entry.command.verb +
                          " and cannot see what became of it: " + answer.error().message,
                      answer.error().hint);
    const auto outcome = outcomeOf(entry.command.id, answer, entry.startedAt, begun);
    logInfo("settle", "command {} ({}): {}", entry.command.id, entry.command.verb, link::nameOf(outcome.status));
    finish(outcome);
}

void Executor::submit(link::Command command) {
    const MonotonicMs receivedAt = SystemClock().monotonic();
    const VerbRow* row = find(command.verb);
    auto running = std::make_shared<Running>();
    running->verb = command.verb;
    {
        const std::lock_guard guard(mutex_);
        if (running_.count(command.id)) return;  // its outcome comes once
        if (auto entry = ledger_.find(command.id); entry && entry->outcome) return say_(*entry->outcome);
        if (!row)
            return refuse(command,
                          Error(ErrorCode::UnsupportedVerb, "this agent does not know the verb " + command.verb,
                                "install the agent of the controller's version"));
        if (draining_)
            return refuse(command, Error(ErrorCode::Busy, "the agent is stopping", "repeat it when it is back"));
        if (running_.size() >= limits::commandsInFlight)
            return refuse(command, Error(ErrorCode::Busy,
                                         "the agent executes " + std::to_string(running_.size()) + " commands already",
                                         "wait for one of them"));
        // Before anything later on this connection is looked at: an older epoch behind this command is refused.
        if (auto epoch = ledger_.checkEpoch(command.group, command.epoch); !epoch)
            return refuse(command, epoch.error());
        running_[command.id] = running;
    }
    pool_.submit([this, command = std::move(command), row, receivedAt, running] {
        execute(command, *row, receivedAt, running);
    });
}

Result<void> Executor::begin(const link::Command& command, const VerbRow& row, UnixMs at) {
    const link::Command kept = withoutSecrets(command);
    if (row.kind == VerbKind::changes) return ledger_.start(kept, at);
    ledger_.startReading(kept, at);
    return {};
}

void Executor::execute(const link::Command& command, const VerbRow& row, MonotonicMs receivedAt,
                       const RunningHandle& running) {
    const driver::HurriedThread hurried(row.inOutage);
    const UnixMs startedAt = SystemClock().now();
    const MonotonicMs begun = SystemClock().monotonic();
    if (auto started = begin(command, row, startedAt); !started) {
        {
            const std::lock_guard guard(mutex_);
            running_.erase(command.id);
        }
        return refuse(command, started.error());
    }
    faultPoint("verb", command.verb, "started");
    VerbCall call = callFor(command, receivedAt + command.deadlineMs, running);
    auto answer = row.execute(call);
    faultPoint("verb", command.verb, "acted");
    const auto outcome = outcomeOf(command.id, answer, startedAt, begun);
    if (answer)
        logInfo("verb", "{} done in {} ms id={} run={} step={}", command.verb, outcome.milliseconds, command.id,
                command.run, command.step);
    else
        logWarning("verb", "{} {} after {} ms id={} run={} step={}: {}", command.verb, link::nameOf(outcome.status),
                   outcome.milliseconds, command.id, command.run, command.step, describe(answer.error()));
    finish(outcome);
    faultPoint("verb", command.verb, "recorded");
}

VerbCall Executor::callFor(const link::Command& command, MonotonicMs deadline, const RunningHandle& running) {
    VerbCall call{command, services_, deadline};
    call.cancelled = [running] { return running->cancelled.load(); };
    call.progress = [this, id = command.id, running](int64_t done, int64_t total, std::string_view sentence) {
        sayProgress(id, *running, done, total, sentence);
    };
    return call;
}

// Remembered, said, flushed, in this order (ledger.h says why): whoever inquires before "remembered" hears "running"
// and then the outcome; whoever inquires after it hears the outcome.
void Executor::finish(const link::Outcome& outcome) {
    {
        const std::lock_guard guard(mutex_);
        ledger_.remember(outcome);
        running_.erase(outcome.id);
    }
    say_(outcome);
    if (auto flushed = ledger_.flush(outcome.id); !flushed)
        logError("ledger", "the outcome of {} is not on disk and will be settled again: {}", outcome.id,
                 describe(flushed.error()));
}

void Executor::sayProgress(const std::string& id, Running& running, int64_t done, int64_t total,
                           std::string_view sentence) {
    const MonotonicMs now = SystemClock().monotonic();
    {
        const std::lock_guard guard(mutex_);
        if (now - running.progressAt < progressEveryMs && (total == 0 || done < total)) return;
        running.progressAt = now;
    }
    say_(link::Progress{id, std::max<int64_t>(done, 0), std::max<int64_t>(total, 0), std::string(sentence)});
}

// Nothing was done and nothing is recorded: the same id may come again.
void Executor::refuse(const link::Command& command, const Error& error) {
    const UnixMs now = SystemClock().now();
    logWarning("verb", "{} refused id={} run={}: {}", command.verb, command.id, command.run, describe(error));
    say_(link::Outcome{command.id, link::OutcomeStatus::failed, nullptr, error, now, now, 0});
}

link::LedgerReply Executor::inquire(const std::string& id) const {
    const std::lock_guard guard(mutex_);
    if (running_.count(id)) return {id, link::LedgerState::running, nullptr, std::nullopt};
    const auto entry = ledger_.find(id);
    if (!entry || !entry->outcome) return {id, link::LedgerState::never, nullptr, std::nullopt};
    return {id, link::ledgerState(entry->outcome->status), entry->outcome->result, entry->outcome->error};
}

void Executor::cancel(const std::string& id) {
    const std::lock_guard guard(mutex_);
    if (const auto running = running_.find(id); running != running_.end()) running->second->cancelled = true;
}

std::vector<link::UnfinishedCommand> Executor::unfinished() const {
    const std::lock_guard guard(mutex_);
    std::vector<link::UnfinishedCommand> list;
    for (const auto& [id, running] : running_) list.push_back({id, running->verb});
    return list;
}

bool Executor::drain(MonotonicMs deadline) {
    {
        const std::lock_guard guard(mutex_);
        draining_ = true;
    }
    return pool_.awaitIdle(deadline);
}

}  // namespace swb::agent
