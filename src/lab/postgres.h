// One database cluster per site, made as an administrator would have made it before Swingbridge came: its own system
// identifier, passwords by SCRAM, checksums, WAL enough to replicate. It is left stopped; the agent starts it.
#pragma once

#include "lab/world.h"

namespace swb::lab {

Result<void> createCluster(const World& world, const Site& site);

// Directory of the newest installed PostgreSQL's programs (13 to 17).
Result<std::string> findPostgresql();

// One value from a database, asked over a connection string; "" for NULL. Fails by the deadline.
Result<std::string> askDatabase(const std::string& dsn, const std::string& sql, int64_t timeoutMs);

}  // namespace swb::lab
