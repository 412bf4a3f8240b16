// The computed environment variables of an application (FEATURES.md F21): where its databases and their replicas are.
#pragma once

#include <functional>

#include "plan/snapshot.h"

namespace swb::plan {

// Addresses of the replicas inside an application, by database name, comma separated.
using ReplicaAddresses = std::map<std::string, std::string>;

// POSTGRESQL_ADDRESS, POSTGRESQL_DATABASE, POSTGRESQL_USERNAME, POSTGRESQL_REPLICA_ADDRESSES (comma separated), and for
// a second database of an engine the same with its name: POSTGRESQL_REPORTS_ADDRESS. MYSQL_…, REDIS_… alike.
JsonObject environmentVariables(const Application& application, const ReplicaAddresses& replicas);

// Which replicas the application may read from.
enum class Members {
    streaming,  // those that are seen following now
    running     // those that run as replicas: their sources are changing their roles at this moment
};
// FACTS of a copy's database; null: unknown.
using FactsOf = std::function<Json(const Application& copy, const std::string& database)>;
// Of the replicas inside `application` that replicate at all.
ReplicaAddresses replicaAddresses(const Application& application, const std::vector<Link>& links, const FactsOf& facts,
                                  Members members);
// As the snapshot shows them.
ReplicaAddresses replicaAddresses(const Application& application, const Snapshot& snapshot,
                                  Members members = Members::streaming);

}  // namespace swb::plan
