// `swing-agent run`: the agent wired to the network, until SIGTERM or SIGINT.
#pragma once

#include "agent/agent_directory.h"

namespace swb {

struct RunSettings {
    agent::AgentDirectory directory;
    int64_t stopMs = 15'000;  // how long running verbs may take to end after SIGTERM
};

// Does not return before the agent was told to stop. Databases and processes stay as they are.
Result<void> runAgent(const RunSettings& settings);

}  // namespace swb
