// One database engine of the lab: what its servers are made of, how they stand in a definition, how they are asked.
//
//     build_world ─► makeServer     an administrator's work before Swingbridge came; the server is left stopped, the
//                                   agent starts it
//     world       ─► definition     its part of the application's definition
//     status      ─► access, role   load ─► tags
//
// A file for each engine, one line each in lab_engine.cpp. Nothing else in the lab knows one engine from another, and
// nothing here knows of replication or switches: that is Swingbridge's.
#pragma once

#include <memory>
#include <optional>

#include "lab/score.h"
#include "lab/world.h"

namespace swb::lab {

class LabEngine {
  public:
    virtual ~LabEngine() = default;

    virtual Engine engine() const = 0;
    std::string name() const { return std::string(nameOf(engine())); }
    virtual std::string_view title() const = 0;     // "PostgreSQL"
    virtual std::string_view database() const = 0;  // of the database in the application's definition
    virtual DatabasePorts wantedPorts() const = 0;
    // The secret that holds the password of the application's user.
    std::string passwordVariable() const { return std::string(variablePrefix(engine())) + "_PASSWORD"; }

    // Directory of the newest installed server's programs.
    virtual Result<std::string> findPrograms() const = 0;
    // Files of a server that does not run yet, with the application's database and user.
    virtual Result<void> makeServer(const World& world, const Site& site) const = 0;
    // Lines below `databases:`, indented.
    virtual std::string definition(const World& world, const Site& site) const = 0;
    // How its server is started, as one line of a definition: "{manage: direct, …}".
    virtual std::string service(const World& world, const Site& site) const = 0;
    // What the second port is for a replica: a key of its definition, or nothing.
    virtual std::string_view replicaPort() const { return {}; }
    // Lines below those of the definition, of the replica at `site`.
    std::string replicaDefinition(const World& world, const Site& site) const;

    // How to connect, for people and programs: dsn (the application's), adminCommand, data, socket and the like.
    virtual JsonObject access(const World& world, const Site& site) const = 0;
    virtual std::string pidFile(const World& world, const Site& site) const = 0;
    // "primary" or "replica", as the application sees it over TCP.
    virtual Result<std::string> role(const World& world, const Site& site) const = 0;
    // How often each tag of the prefix is there.
    virtual Result<TagCounts> tags(const World& world, const Site& site, const std::string& prefix) const = 0;
};

// In the order in which the shop writes.
const std::vector<const LabEngine*>& allEngines();
const LabEngine& engineOf(Engine engine);
std::vector<const LabEngine*> enginesOf(const World& world);
// "postgresql,redis", in any order; each once.
Result<std::vector<Engine>> parseEngines(std::string_view text);

const LabEngine& postgresqlEngine();
const LabEngine& mariadbEngine();
const LabEngine& redisEngine();

// Of one question to a server.
constexpr int64_t questionMs = 2000;
// Of reading a whole run's tags.
constexpr int64_t readingMs = 15'000;

}  // namespace swb::lab
