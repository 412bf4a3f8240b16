// Accounts of a server, for the fence: read_only of MariaDB does not bind those with READ ONLY ADMIN, and procedures
// and events run with their definer's rights, whoever calls them. So a fenced server admits nobody but us and replicas:
// every other account is locked, in this server's own tables only, and unlocked by the fence's end.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

// As SQL words: 'user'@'host'.
using Accounts = std::vector<std::string>;

// Those that can log in now, without ours and the replication user.
Result<Accounts> openAccounts(const Instance& instance, Connection& connection, const Context& context);
// Those that read-only mode does not bind, without ours.
Result<Accounts> unboundAccounts(const Instance& instance, Connection& connection, const Context& context);
Result<void> lockAccounts(const Instance& instance, Connection& connection, const Accounts& accounts,
                          const Context& context);
Result<void> unlockAccounts(const Instance& instance, Connection& connection, const Accounts& accounts,
                            const Context& context);

// Ends those of them that do nothing at the moment: they may hold locks all the same.
Result<void> endIdleSessions(const Instance& instance, Connection& connection, const Context& context);
// Ends every session but ours, replicas' and the server's own, until a look finds none that could still do something.
Result<void> endSessions(const Instance& instance, Connection& connection, const Context& context);

// A statement of this server alone: not in its log, and on a closed server too.
Result<void> executeUnlogged(const Instance& instance, Connection& connection, const std::string& statement,
                             const Context& context);

}  // namespace swb::driver::mariadb
