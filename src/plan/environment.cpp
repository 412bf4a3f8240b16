#include "plan/environment.h"

#include <algorithm>

#include "model/copy.h"

namespace swb::plan {

JsonObject environmentVariables(const Application& application, const ReplicaAddresses& replicas) {
    JsonObject out;
    for (const auto& named : application.databases) {
        const std::string& name = named.first;  // clang 14 cannot capture structured bindings
        const DatabaseSpec& spec = named.second;
        const std::string engine(variablePrefix(spec.engine));
        const auto replica = replicas.find(name);
        const auto put = [&](const std::string& prefix) {
            out[prefix + "_ADDRESS"] = spec.address.text();
            if (!spec.database.empty()) out[prefix + "_DATABASE"] = spec.database;
            if (!spec.user.empty()) out[prefix + "_USERNAME"] = spec.user;
            out[prefix + "_REPLICA_ADDRESSES"] = replica == replicas.end() ? "" : replica->second;
        };
        if (!out.contains(engine + "_ADDRESS")) put(engine);
        put(variablePrefix(spec.engine, name));
    }
    return out;
}

ReplicaAddresses replicaAddresses(const Application& application, const std::vector<Link>& links, const FactsOf& facts,
                                  Members members) {
    ReplicaAddresses out;
    for (const Application& copy : copiesInside(application))
        for (const auto& [name, spec] : copy.databases) {
            const bool linked = std::any_of(links.begin(), links.end(), [&, database = name](const Link& link) {
                return link.to == copy.name && link.database == database;
            });
            if (!linked) continue;
            const Json seen = facts(copy, name);
            const bool runs =
                booleanAt(seen, "reachable") && textAt(seen, "role") == "replica" && !booleanAt(seen, "stale");
            if (!runs || (members == Members::streaming && textAt(seen, "receiverStatus") != "streaming")) continue;
            std::string& addresses = out[name];
            addresses += (addresses.empty() ? "" : ",") + spec.address.text();
        }
    return out;
}

ReplicaAddresses replicaAddresses(const Application& application, const Snapshot& snapshot, Members members) {
    return replicaAddresses(
        application, snapshot.links,
        [&](const Application& copy, const std::string& database) {
            const Json* facts = snapshot.facts(copy, database);
            return facts ? *facts : Json(nullptr);
        },
        members);
}

}  // namespace swb::plan
