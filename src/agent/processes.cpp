#include "agent/processes.h"

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

Result<driver::ProcessState> applyOne(VerbCall& call, const LocalApplication& application, const ProcessSpec& process) {
    auto& driver = call.services.drivers.process();
    call.services.pacing->forget(application.name + "/" + process.name);
    TRY(driver.apply(application.name, process, application.environmentOf(process), call.processContext()));
    return driver.awaitHealthy(application.name, process, call.processContext());
}

template <typename Work>
Result<JsonArray> onEach(std::vector<const ProcessSpec*> processes, const Work& work) {
    auto states = inParallel(processes, work);
    JsonArray list;
    for (size_t i = 0; i < processes.size(); ++i) {
        if (!states[i]) return fail(states[i].error().within("process " + processes[i]->name));
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
    const JsonArray started =
        TRY(onEach(starting, [&](const ProcessSpec* process) { return applyOne(call, application, *process); }));
    all.insert(all.end(), started.begin(), started.end());
    return all;
}

Result<JsonArray> stopWriters(VerbCall& call, const LocalApplication& application) {
    std::vector<const ProcessSpec*> writers;
    for (const auto& [name, process] : application.processes)
        if (process.writes) writers.push_back(&process);
    auto& driver = call.services.drivers.process();
    TRY(onEach(writers, [&](const ProcessSpec* process) {
        return driver.stop(application.name, *process, call.processContext());
    }));
    JsonArray names;
    for (const auto* process : writers) names.push_back(Json(process->name));
    return names;
}

}  // namespace swb::agent
