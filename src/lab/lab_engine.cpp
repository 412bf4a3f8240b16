#include "lab/lab_engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace swb::lab {

std::string LabEngine::replicaDefinition(const World& world, const Site& site) const {
    const DatabasePorts ports = site.databases.at(engine());
    std::string text = fmt::format(
        "    replicas:\n"
        "      {}:                 # made one by: swing replication enable --from {} --to {}.{}\n"
        "        server: {}\n"
        "        service: {}\n"
        "        address: {}:{}\n",
        site.replica, site.application, site.application, site.replica, site.server, service(world, site), site.address,
        ports.port);
    if (!replicaPort().empty())
        text += fmt::format("        {}: {}:{}\n", replicaPort(), site.address, ports.secondPort);
    return text;
}

const std::vector<const LabEngine*>& allEngines() {
    static const std::vector<const LabEngine*> engines{&postgresqlEngine(), &mariadbEngine(), &redisEngine()};
    return engines;
}

const LabEngine& engineOf(Engine engine) {
    for (const LabEngine* one : allEngines())
        if (one->engine() == engine) return *one;
    SWB_ASSERT(false, "every engine of a lab has its line above");
    return postgresqlEngine();
}

std::vector<const LabEngine*> enginesOf(const World& world) {
    std::vector<const LabEngine*> engines;
    for (const LabDatabase& database : world.databases) engines.push_back(&engineOf(database.engine));
    return engines;
}

Result<std::vector<Engine>> parseEngines(std::string_view text) {
    std::vector<std::string> wanted;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.find(',', at), text.size());
        wanted.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::vector<Engine> engines;
    for (const LabEngine* one : allEngines())
        if (const auto count = std::erase(wanted, one->name()); count == 1)
            engines.push_back(one->engine());
        else if (count > 1)
            return fail(ErrorCode::InvalidInput, "the engine " + one->name() + " is named twice", "name each once");
    if (wanted.empty()) return engines;
    return fail(ErrorCode::Unsupported, "the lab knows no engine '" + wanted.front().substr(0, 100) + "'",
                "engines are postgresql, mariadb, redis, separated by commas");
}

}  // namespace swb::lab
