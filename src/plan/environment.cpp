#include "plan/environment.h"

#include <algorithm>

namespace swb::plan {
namespace {

std::string prefixOf(Engine engine) {
    switch (engine) {
        case Engine::postgresql:
            return "POSTGRESQL";
        case Engine::mariadb:
        case Engine::mysql:
            return "MYSQL";
        case Engine::redis:
        case Engine::valkey:
            return "REDIS";
    }
    return "DATABASE";
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    return text;
}

}  // namespace

JsonObject environmentVariables(const Application& application, const std::map<std::string, std::string>& replicas) {
    JsonObject out;
    for (const auto& named : application.databases) {
        const std::string& name = named.first;  // clang 14 cannot capture structured bindings
        const DatabaseSpec& spec = named.second;
        const std::string engine = prefixOf(spec.engine);
        const auto replica = replicas.find(name);
        const auto put = [&](const std::string& prefix) {
            out[prefix + "_ADDRESS"] = spec.address.text();
            if (!spec.database.empty()) out[prefix + "_DATABASE"] = spec.database;
            if (!spec.user.empty()) out[prefix + "_USERNAME"] = spec.user;
            out[prefix + "_REPLICA_ADDRESSES"] = replica == replicas.end() ? "" : replica->second;
        };
        if (!out.contains(engine + "_ADDRESS")) put(engine);
        put(engine + "_" + upper(name));
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
