#include "model/copy.h"

#include <set>

#include "base/ids.h"

namespace swb {

bool isCopyName(std::string_view text) {
    const size_t dot = text.find('.');
    if (dot == std::string_view::npos) return isName(text);
    return isName(text.substr(0, dot)) && isName(text.substr(dot + 1));
}

Result<std::string> checkedCopyName(std::string_view what, std::string_view text) {
    return isCopyName(text) ? Result<std::string>(std::string(text)) : checkedName(what, text);
}

bool isInside(std::string_view copy) {
    return copy.find('.') != std::string_view::npos;
}

std::string ownerOf(std::string_view copy) {
    return std::string(copy.substr(0, copy.find('.')));
}

std::optional<Application> copyOf(const Application& owner, std::string_view copy) {
    if (copy == owner.name) return owner;
    if (!isInside(copy) || ownerOf(copy) != owner.name) return std::nullopt;
    const std::string replicaName(copy.substr(owner.name.size() + 1));
    Application out;
    out.name = copy;
    out.site = owner.site;
    for (const auto& [name, database] : owner.databases) {
        const auto found = database.replicas.find(replicaName);
        if (found == database.replicas.end()) continue;
        const ReplicaSpec& replica = found->second;
        DatabaseSpec spec = database;
        spec.server = replica.server;
        spec.service = replica.service;
        spec.address = replica.address;
        spec.replication = replica.replication;
        spec.copy.reset();  // the agent beside the database gives copies of that one only
        spec.replicas.clear();
        spec.synchronous = {};
        out.databases.emplace(name, std::move(spec));
    }
    if (out.databases.empty()) return std::nullopt;
    return out;
}

std::vector<Application> copiesInside(const Application& owner) {
    std::set<std::string> names;
    for (const auto& [name, database] : owner.databases)
        for (const auto& [replicaName, replica] : database.replicas) names.insert(owner.name + "." + replicaName);
    std::vector<Application> out;
    for (const std::string& name : names) out.push_back(*copyOf(owner, name));
    return out;
}

}  // namespace swb
