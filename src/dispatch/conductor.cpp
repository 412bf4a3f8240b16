#include "dispatch/conductor.h"

#include "base/assert.h"
#include "base/fault.h"
#include "base/log.h"
#include "step/catalogue.h"

namespace swb::dispatch {
namespace {

using run::Run;

// Step and record behind a command id.
std::pair<const run::Step*, const run::CommandRecord*> findCommand(const Run& run, std::string_view id) {
    for (const run::Step& step : run.steps)
        for (const run::CommandRecord& record : step.commands)
            if (record.id == id) return {&step, &record};
    return {nullptr, nullptr};
}

// Ids are "<run>.<step>.<index>.<what>"; run ids contain no dot.
std::string runIdOf(std::string_view commandId) {
    return std::string(commandId.substr(0, commandId.find('.')));
}

std::string stepIn(std::string_view commandId) {
    const size_t first = commandId.find('.');
    if (first == std::string_view::npos) return {};
    const size_t second = commandId.find('.', first + 1);
    return std::string(commandId.substr(first + 1, second - first - 1));
}

run::CommandState stateOf(link::OutcomeStatus status) {
    switch (status) {
        case link::OutcomeStatus::done:
            return run::CommandState::done;
        case link::OutcomeStatus::failed:
            return run::CommandState::failed;
        case link::OutcomeStatus::unknown:
            return run::CommandState::unknown;
    }
    return run::CommandState::unknown;
}

void faultAtSends(const std::vector<run::Effect>& effects, std::string_view moment) {
    for (const run::Effect& effect : effects)
        if (effect.kind == run::Effect::Kind::send) faultPoint("run", stepIn(effect.commandId), moment);
}

}  // namespace

Conductor::Conductor(store::Store& store, Fleet& fleet, LocalVerbs& local, const Clock& clock)
    : store_(store), fleet_(fleet), local_(local), clock_(clock), catalogue_(step::makeCatalogue()) {}

Conductor::~Conductor() {
    stop();
}

Result<void> Conductor::start() {
    for (const store::Document& document : TRY(store_.list("run"))) {
        Run run = TRY(run::fromStored(document.body));
        if (run.finished()) continue;
        versions_[run.id] = document.version;
        queue_.push_back({run.id, run::Recover{}, "controller", nullptr});
        logInfo("conductor", "run {} ({} of {}) goes on", run.id, run.kind, run.group.empty() ? run.to : run.group);
        runs_.emplace(run.id, std::move(run));
    }
    FleetListener listener;
    listener.connected = [this](const std::string& server) { broadcast(run::ServerBack{server}); };
    listener.lost = [this](const std::string& server) { broadcast(run::ServerLost{server}); };
    listener.message = [this](const std::string& server, const link::Message& message) { onMessage(server, message); };
    fleet_.addListener(std::move(listener));
    thread_ = std::thread([this] { loop(); });
    started_ = true;
    return {};
}

void Conductor::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
    const std::lock_guard lock(mutex_);
    for (Item& item : queue_)
        if (item.promise) item.promise->set_value(fail(ErrorCode::Busy, "the controller is stopping"));
    queue_.clear();
}

void Conductor::enqueue(Item item) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            if (item.promise) item.promise->set_value(fail(ErrorCode::Busy, "the controller is stopping"));
            return;
        }
        queue_.push_back(std::move(item));
    }
    wake_.notify_one();
}

void Conductor::broadcast(const run::Input& input) {
    std::vector<std::string> ids;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, run] : runs_) ids.push_back(id);
    }
    for (const std::string& id : ids) enqueue({id, input, "controller", nullptr});
}

void Conductor::loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (queue_.empty() && !stopping_) {
            UnixMs next = 0;
            for (const auto& [id, run] : runs_)
                if (const UnixMs at = run::nextTick(run); at && (!next || at < next)) next = at;
            const int64_t pause = next ? std::clamp<int64_t>(next - clock_.now(), 1, 1000) : 1000;
            wake_.wait_for(lock, std::chrono::milliseconds(pause));
        }
        if (stopping_) return;
        if (queue_.empty()) {
            lock.unlock();
            tickDue();
            lock.lock();
            continue;
        }
        Item item = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        auto outcome = process(item);
        if (item.promise) item.promise->set_value(std::move(outcome));
        lock.lock();
    }
}

void Conductor::tickDue() {
    std::vector<std::string> due;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, run] : runs_)
            if (const UnixMs at = run::nextTick(run); at && at <= clock_.now()) due.push_back(id);
    }
    for (const std::string& id : due) process({id, run::Tick{}, "controller", nullptr});
}

Result<Run> Conductor::process(const Item& item) {
    Run before;
    {
        const std::lock_guard lock(mutex_);
        const auto found = runs_.find(item.runId);
        if (found == runs_.end()) return fail(ErrorCode::RunState, "run " + item.runId + " is finished or unknown");
        before = found->second;
    }
    const auto* outcome = std::get_if<run::CommandOutcome>(&item.input);
    if (outcome) faultPoint("run", stepIn(outcome->id), "acted");
    run::Transition transition = TRY(run::apply(catalogue_, before, item.input, clock_.now()));
    for (const std::string& sentence : transition.sentences)
        logInfo("run", "{} {} {}: {}", before.id, before.kind, before.group.empty() ? before.to : before.group,
                sentence);
    if (transition.changed) {
        faultAtSends(transition.effects, "planned");
        if (auto recorded = record(before, transition, item.actor, {}); !recorded) {
            // Nothing happened: the same input is given again when the store works.
            logError("conductor", "run {} could not be recorded: {}", before.id, describe(recorded.error()));
            if (!item.promise) {
                std::this_thread::sleep_for(std::chrono::milliseconds(200));
                enqueue(item);
            }
            return fail(recorded.error());
        }
        if (outcome) faultPoint("run", stepIn(outcome->id), "recorded");
        faultAtSends(transition.effects, "committed");
    }
    perform(transition.run, transition.effects);
    if (transition.run.finished()) retire(transition.run);
    return std::move(transition.run);
}

// The end of a run gives back what its beginning took, in the commit that says it has ended.
Result<void> Conductor::addRelease(const Run& run, store::Commit& commit) const {
    for (const store::Document& lock : TRY(store_.list("lock")))
        if (textAt(lock.body, "run") == run.id) commit.removes.push_back({"lock", lock.id, lock.version});
    if (run.group.empty()) return {};
    const auto document = TRY(store_.get("group", run.group));
    if (!document) return {};
    Group group = TRY(groupFromJson(document->body));
    if (group.busy != run.id) return {};
    group.busy.clear();
    commit.puts.push_back({"group", group.name, document->version, toJson(group)});
    return {};
}

Result<void> Conductor::record(const Run& before, const run::Transition& transition, const std::string& actor,
                               const store::Commit& extra) {
    const Run& run = transition.run;
    int64_t expected = store::mustNotExist;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = versions_.find(run.id); found != versions_.end()) expected = found->second;
    }
    const std::string subject = run.group.empty() ? "application/" + run.to : "group/" + run.group;
    const auto build = [&]() -> Result<store::Commit> {
        store::Commit commit = extra;
        commit.puts.push_back({"run", run.id, expected, run::toStored(run)});
        for (const std::string& sentence : transition.sentences)
            commit.events.push_back(
                {"run.progress", subject, actor, JsonObject{{"run", run.id}, {"sentence", sentence}}});
        if (before.state != run.state || expected == store::mustNotExist)
            commit.events.push_back({"run." + std::string(run::nameOf(run.state)), subject, actor,
                                     JsonObject{{"run", run.id},
                                                {"kind", run.kind},
                                                {"from", run.from},
                                                {"to", run.to},
                                                {"epoch", run.epoch},
                                                {"detail", run.detail}}});
        if (run.finished()) TRY_VOID(addRelease(run, commit));
        return commit;
    };
    // Only the release reads documents that others write: there a conflict means "read again".
    const store::Committed committed = TRY(store::commitWithRetry(store_, build, run.finished() ? 16 : 1));
    const std::lock_guard lock(mutex_);
    versions_[run.id] = committed.versionOf("run", run.id);
    Run& kept = runs_[run.id];
    // Progress sentences live in memory only: carry them over.
    std::map<std::string, std::string> progress;
    for (const run::Step& step : kept.steps)
        for (const run::CommandRecord& command : step.commands) progress[command.id] = command.progress;
    kept = run;
    for (run::Step& step : kept.steps)
        for (run::CommandRecord& command : step.commands) command.progress = progress[command.id];
    return {};
}

void Conductor::retire(const Run& run) {
    const std::lock_guard lock(mutex_);
    runs_.erase(run.id);
    versions_.erase(run.id);
}

void Conductor::perform(const Run& run, const std::vector<run::Effect>& effects) {
    for (const run::Effect& effect : effects) performOne(run, effect);
    faultAtSends(effects, "sent");
}

void Conductor::performOne(const Run& run, const run::Effect& effect) {
    const auto [step, record] = findCommand(run, effect.commandId);
    SWB_ASSERT(record, "an effect names a command that is not in its run");
    if (record->server.empty()) {
        // The controller's own verbs are idempotent and leave no trace but commits: after a restart they are done
        // again.
        if (effect.kind == run::Effect::Kind::cancel)
            local_.cancel(effect.commandId);
        else
            sendCommand(run, effect.commandId);
        return;
    }
    switch (effect.kind) {
        case run::Effect::Kind::send:
            return sendCommand(run, effect.commandId);
        case run::Effect::Kind::inquire:
            fleet_.send(record->server, link::Inquire{effect.commandId});
            return;
        case run::Effect::Kind::cancel:
            fleet_.send(record->server, link::Cancel{effect.commandId});
            return;
    }
}

void Conductor::sendCommand(const Run& run, const std::string& commandId) {
    auto command = run::commandOf(catalogue_, run, commandId);
    SWB_ASSERT(command.has_value(), "a command cannot be computed again from its run");
    run::CommandSpec& spec = command->spec;
    if (spec.server.empty()) {
        const auto done = [this, runId = run.id, commandId](const Result<Json>& result) {
            run::CommandOutcome outcome{commandId, result ? run::CommandState::done : run::CommandState::failed,
                                        result ? *result : Json(nullptr),
                                        result ? Error(ErrorCode::Bug, "") : result.error()};
            enqueue({runId, std::move(outcome), "controller", nullptr});
        };
        if (!local_.performLater(spec.verb, run, spec.args, commandId, done))
            done(local_.perform(spec.verb, run, spec.args));
        return;
    }
    if (const std::string application = textAt(spec.args, "secretsOf"); !application.empty()) {
        auto secrets = local_.secretsOf(application);
        if (!secrets) {
            enqueue({run.id, run::CommandOutcome{commandId, run::CommandState::failed, nullptr, secrets.error()},
                     "controller", nullptr});
            return;
        }
        spec.args.as_object().erase("secretsOf");
        spec.args.as_object()["secrets"] = std::move(*secrets);
    }
    if (const std::string application = textAt(spec.args, "variablesOf"); !application.empty()) {
        spec.args.as_object().erase("variablesOf");
        if (Json variables = local_.variablesOf(run, application, fleet_); !variables.is_null())
            spec.args.as_object()["variables"] = std::move(variables);
    }
    link::Command message;
    message.id = commandId;
    message.run = run.id;
    message.step = command->step;
    message.group = run.group;
    message.epoch = run.epoch;
    message.verb = spec.verb;
    message.args = std::move(spec.args);
    message.deadlineMs = spec.deadlineMs;
    if (fleet_.send(spec.server, message)) return;
    const std::lock_guard lock(mutex_);
    // First in the queue: nothing may send it again before this is known.
    const UnixMs sentAt = findCommand(run, commandId).second->sentAt;
    queue_.push_front({run.id, run::CommandNotSent{commandId, sentAt}, "controller", nullptr});
}

void Conductor::onMessage(const std::string& server, const link::Message& message) {
    if (const auto* outcome = std::get_if<link::Outcome>(&message)) {
        enqueue({runIdOf(outcome->id),
                 run::CommandOutcome{outcome->id, stateOf(outcome->status), outcome->result,
                                     outcome->error.value_or(Error(ErrorCode::Bug, ""))},
                 "agent/" + server, nullptr});
    } else if (const auto* reply = std::get_if<link::LedgerReply>(&message)) {
        run::Input input = run::CommandStillRunning{reply->id};
        const Error error = reply->error.value_or(Error(ErrorCode::Bug, ""));
        switch (reply->state) {
            case link::LedgerState::never:
                input = run::CommandNeverArrived{reply->id};
                break;
            case link::LedgerState::running:
                break;
            case link::LedgerState::done:
                input = run::CommandOutcome{reply->id, run::CommandState::done, reply->result, error};
                break;
            case link::LedgerState::failed:
                input = run::CommandOutcome{reply->id, run::CommandState::failed, reply->result, error};
                break;
            case link::LedgerState::unknown:
                input = run::CommandOutcome{reply->id, run::CommandState::unknown, reply->result, error};
                break;
        }
        enqueue({runIdOf(reply->id), std::move(input), "agent/" + server, nullptr});
    } else if (const auto* progress = std::get_if<link::Progress>(&message)) {
        const std::lock_guard lock(mutex_);
        const auto found = runs_.find(runIdOf(progress->id));
        if (found == runs_.end()) return;
        for (run::Step& step : found->second.steps)
            for (run::CommandRecord& record : step.commands)
                if (record.id == progress->id) record.progress = progress->sentence;
    }
}

Result<Run> Conductor::begin(Run run, store::Commit extra) {
    SWB_ASSERT(started_, "a run begins before the conductor was started");
    for (const run::Step& step : run.steps)
        SWB_ASSERT(catalogue_.has(step.kind), "a planner emits a step kind that is not in the catalogue");
    run::Transition transition;
    transition.run = run;
    transition.sentences.push_back(run.kind + " planned by " + run.actor +
                                   (run.reason.empty() ? "" : ": " + run.reason));
    TRY_VOID(record(run, transition, run.actor, std::move(extra)));
    enqueue({run.id, run::Start{}, run.actor, nullptr});
    return run;
}

Result<Run> Conductor::give(const std::string& runId, run::Input input, const std::string& actor) {
    if (auto run = find(runId); !run) return run;
    auto promise = std::make_shared<std::promise<Result<Run>>>();
    auto future = promise->get_future();
    enqueue({runId, std::move(input), actor, std::move(promise)});
    return future.get();
}

Result<Run> Conductor::find(const std::string& runId) const {
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = runs_.find(runId); found != runs_.end()) return found->second;
    }
    return run::fromStored(TRY(store::getOrFail(store_, "run", runId)).body);
}

std::vector<Run> Conductor::active() const {
    const std::lock_guard lock(mutex_);
    std::vector<Run> out;
    for (const auto& [id, run] : runs_) out.push_back(run);
    return out;
}

}  // namespace swb::dispatch
