#include "plan/snapshot.h"

namespace swb::plan {

const Json* Snapshot::facts(const Application& application, const std::string& database) const {
    const auto found = databases.find(application.name + "/" + database);
    return found == databases.end() ? nullptr : &found->second;
}

const Link* Snapshot::linkTo(const std::string& copy, const std::string& database) const {
    for (const Link& link : links)
        if (link.to == copy && link.database == database) return &link;
    return nullptr;
}

std::vector<std::string> commonDatabases(const Application& a, const Application& b) {
    std::vector<std::string> names;
    for (const auto& [name, spec] : a.databases) {
        const auto peer = b.databases.find(name);
        if (peer != b.databases.end() && peer->second.engine == spec.engine) names.push_back(name);
    }
    return names;
}

}  // namespace swb::plan
