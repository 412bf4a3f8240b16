// An application's processes brought to the state that its kept definition asks for; shared by verbs and supervisor.
#pragma once

#include "agent/verb.h"
#include "driver/process_driver.h"

namespace swb::agent {

Json toJson(const driver::ProcessState& state);

enum class ProcessGoal { asStateSays, nothing };

// Renders the environment, stops what should not run, then starts or renews the rest, all at once, and waits for
// health. The caller holds the application's lock.
Result<JsonArray> applyProcesses(VerbCall& call, const LocalApplication& application, ProcessGoal goal);
// Those that write and serve visitors through a front are in the middle of their requests; nobody waits for the others.
enum class Writers { behindFronts, others };
bool isOfThese(Writers which, const ProcessSpec& process, const std::vector<WebSpec>& fronts);
// Stops these of the `writes: true` processes; answers their names.
Result<JsonArray> stopWriters(VerbCall& call, const LocalApplication& application, Writers which,
                              const std::vector<WebSpec>& fronts);

}  // namespace swb::agent
