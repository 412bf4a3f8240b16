// Joining: how a server without a certificate gets one. It knows a URL, a token and the pin of the controller's
// authority, and trusts nothing else: no system authorities, no proxy, no redirection.
#pragma once

#include <string>

#include "agent/identity.h"

namespace swb::agent {

struct JoinRequest {
    std::string controller;  // https://HOST:PORT
    Secret token;
    std::string pin;   // SHA-256 of the authority's certificate, 64 hex digits (colons are allowed)
    std::string name;  // suggestion; empty: this machine's host name. The token's own server name wins
    bool force = false;
    int64_t timeoutMs = 30'000;
};

// The agent's name. AlreadyExists when the directory belongs to an agent that joined before, unless forced.
Result<std::string> join(const AgentDirectory& directory, const JoinRequest& request);

// "@FILE", "-" (standard input), or the token itself.
Result<Secret> readToken(const std::string& argument);

}  // namespace swb::agent
