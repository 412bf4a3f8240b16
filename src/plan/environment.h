// The computed environment variables of an application (FEATURES.md F21): where its databases are, whether it is
// current.
#pragma once

#include "plan/snapshot.h"

namespace swb::plan {

// POSTGRESQL_ADDRESS, POSTGRESQL_DATABASE, POSTGRESQL_USERNAME, POSTGRESQL_REPLICA_ADDRESSES (comma separated), and for
// a second database of an engine the same with its name: POSTGRESQL_REPORTS_ADDRESS. MYSQL_…, REDIS_… alike. replicas:
// addresses of the replicas of this application's databases elsewhere, by database name.
JsonObject environmentVariables(const Application& application, const std::map<std::string, std::string>& replicas);

// Addresses of the databases that replicate from this application, by database name.
std::map<std::string, std::string> replicaAddresses(const Application& application, const Application& peer);

}  // namespace swb::plan
