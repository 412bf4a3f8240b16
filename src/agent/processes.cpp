#include "agent/processes.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "agent/verbs/parallel.h"

namespace swb::agent {

Json toJson(const driver::ProcessState& state) {
    JsonObject out{{"name", state.name},
                   {"pid", state.pid},
                   {"state", state.running ? "running" : "stopped"},
                   {"healthy", state.healthy}};
    if (!state.error.empty()) out["error"] = state.error;
    return out;
}

namespace {

// What every process that is waited for says, as the one sentence that a command has.
class WaitedFor {
  public:
    explicit WaitedFor(VerbCall& call) : call_(call) {}
    void says(const std::string& process, std::string_view sentence) {
        const std::lock_guard guard(mutex_);
        sentences_[process] = sentence;
        say();
    }
    void ended(const std::string& process) {
        const std::lock_guard guard(mutex_);
        if (sentences_.erase(process) > 0) say();
    }

  private:
    void say() {
        std::string all;
        for (const auto& [process, sentence] : sentences_) all += (all.empty() ? "" : "; ") + sentence;
        call_.progress(0, 0, all);
    }

    VerbCall& call_;
    std::mutex mutex_;
    std::map<std::string, std::string> sentences_;
};

Result<driver::ProcessState> applyOne(VerbCall& call, const LocalApplication& application, const ProcessSpec& process,
                                      WaitedFor& waited) {
    auto& driver = call.services.drivers.process();
    call.services.pacing->forget(application.name + "/" + process.name);
    TRY(driver.apply(application.name, process, application.environmentOf(process), call.processContext()));
    driver::Context context = call.processContext();
    context.progress = [&](int64_t, int64_t, std::string_view sentence) { waited.says(process.name, sentence); };
    auto healthy = driver.awaitHealthy(application.name, process, context);
    waited.ended(process.name);
    return healthy;
}

template <typename Work>
Result<JsonArray> onEach(std::vector<const ProcessSpec*> processes, const Work& work) {
    auto states = inParallel(processes, work);
    JsonArray list;
    for (size_t i = 0; i < processes.size(); ++i) {
        const std::string subject = "process " + processes[i]->name;
        if (!states[i])
            return fail(states[i].error().message.starts_with(subject) ? states[i].error()
                                                                       : states[i].error().within(subject));
        list.push_back(toJson(*states[i]));
    }
    return list;
}

}  // namespace

Result<JsonArray> applyProcesses(VerbCall& call, const LocalApplication& application, ProcessGoal goal) {
    auto& driver = call.services.drivers.process();
    if (goal == ProcessGoal::asStateSays)
        TRY(driver.writeEnvironment(application.name, application.commonEnvironment(), call.processContext()));
    std::vector<const ProcessSpec*> stopping, starting;
    for (const auto& [name, process] : application.processes) {
        const bool run = goal == ProcessGoal::asStateSays && application.shouldRun(process);
        (run ? starting : stopping).push_back(&process);
    }
    JsonArray all = TRY(onEach(stopping, [&](const ProcessSpec* process) {
        return driver.stop(application.name, *process, call.processContext());
    }));
    WaitedFor waited(call);
    const JsonArray started = TRY(
        onEach(starting, [&](const ProcessSpec* process) { return applyOne(call, application, *process, waited); }));
    all.insert(all.end(), started.begin(), started.end());
    return all;
}

bool isOfThese(Writers which, const ProcessSpec& process, const std::vector<WebSpec>& fronts) {
    if (!process.writes) return false;
    const bool behind =
        std::any_of(fronts.begin(), fronts.end(), [&](const WebSpec& web) { return isBehind(process, web); });
    return behind == (which == Writers::behindFronts);
}

Result<JsonArray> stopWriters(VerbCall& call, const LocalApplication& application, Writers which,
                              const std::vector<WebSpec>& fronts) {
    std::vector<const ProcessSpec*> writers;
    for (const auto& [name, process] : application.processes)
        if (isOfThese(which, process, fronts)) writers.push_back(&process);
    auto& driver = call.services.drivers.process();
    TRY(onEach(writers, [&](const ProcessSpec* process) {
        return driver.stop(application.name, *process, call.processContext());
    }));
    JsonArray names;
    for (const auto* process : writers) names.push_back(Json(process->name));
    return names;
}

}  // namespace swb::agent
