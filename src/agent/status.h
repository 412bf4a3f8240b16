// What `swing-agent status` shows, read from the agent's directory: works with the agent running or not, and changes
// nothing.
#pragma once

#include "agent/agent_directory.h"
#include "base/json.h"

namespace swb::agent {

// {server, controller, running, connected, since, error, certificate: {notAfter, …}, applications: […], guards: {…}}
Result<Json> agentStatus(const AgentDirectory& directory);
std::string statusText(const Json& status);

}  // namespace swb::agent
