#include "plan/environment.h"

namespace swb::plan {

JsonObject environmentVariables(const Application& application, const std::map<std::string, std::string>& replicas) {
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

std::map<std::string, std::string> replicaAddresses(const Application& application, const Application& peer) {
    std::map<std::string, std::string> out;
    for (const std::string& name : commonDatabases(application, peer))
        out[name] = peer.databases.at(name).address.text();
    return out;
}

}  // namespace swb::plan
