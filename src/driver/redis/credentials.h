// Users of ours in a server, and their passwords.
//
//     swingbridge        the agent's own, all rights; made at the first contact with what the server's own
//     configuration
//                        says (requirepass, an ACL file's plain passwords, or no password at all)
//     swingbridge_repl   the peers' replicas: PSYNC, REPLCONF, PING, nothing else. A server knows only the hash of its
//                        peers' passwords; a replica's own password never leaves it but inside TLS to its primary.
//
// Users do not replicate, and a CONFIG REWRITE or a restart forgets what was only set in memory: each stands as a line
// in the ACL file, or in the configuration file when there is none (never in a file of ours: a user that stands in two
// files keeps the server from starting).
#pragma once

#include "driver/redis/instance.h"

namespace swb::driver::redis {

constexpr std::string_view agentUser = "swingbridge";

Result<Connection> logInAsAgent(const Instance& instance, const Context& context);

// Made once, kept in a file of mode 0600.
Result<Secret> replicationPassword(const Instance& instance);
// What a source needs to recognise our replication user.
std::string verifierOf(const Secret& password);

// The user has these rules and no others, now and after a restart; without rules there is no such user.
Result<void> keepUser(const Instance& instance, Connection& connection, std::string_view user,
                      const std::optional<std::vector<std::string>>& rules, const Context& context);

}  // namespace swb::driver::redis
