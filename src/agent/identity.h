// Who this agent is: its name, its controller, its key and certificate. The key is made here and never leaves.
#pragma once

#include <string>

#include "agent/agent_directory.h"
#include "base/clock.h"
#include "base/secret.h"

namespace swb::agent {

struct AgentConfiguration {
    std::string server;      // name given by the controller
    std::string controller;  // https://host[:port]
};

struct AgentIdentity {
    std::string certificatePem;
    Secret keyPem;
    std::string authorityPem;
};

struct ControllerAddress {
    std::string host;
    uint16_t port = 443;
};

// https only; a path or anything else behind the port is refused.
Result<ControllerAddress> controllerAddress(const std::string& url);

// NotFound with a hint when the agent was never joined.
Result<AgentConfiguration> loadConfiguration(const AgentDirectory& directory);
Result<AgentIdentity> loadIdentity(const AgentDirectory& directory);
// Checks that everything belongs together, then writes it; the configuration last: with it the agent counts as joined.
Result<void> storeIdentity(const AgentDirectory& directory, const AgentConfiguration& configuration,
                           const AgentIdentity& identity);

// Renews the certificate well before it ends. Sans-I/O but for its files.
class Renewal {
  public:
    Renewal(AgentDirectory directory, AgentConfiguration configuration)
        : directory_(std::move(directory)), configuration_(std::move(configuration)) {}

    // A request (PEM) when a third of the certificate's life is left and none was sent for a while; empty otherwise.
    Result<std::string> requestIfDue(UnixMs now);
    // The answer. The new identity is on disk when it returns.
    Result<void> install(const std::string& certificatePem, const std::string& authorityPem);

  private:
    AgentDirectory directory_;
    AgentConfiguration configuration_;
    UnixMs askedAt_ = 0;
    UnixMs checkedAt_ = 0;
};

}  // namespace swb::agent
