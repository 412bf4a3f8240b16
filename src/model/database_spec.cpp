// Databases of an application definition, and what their engine means for the names of variables.
#include <set>

#include "base/limits.h"
#include "model/definition_reading.h"
#include "model/names.h"

namespace swb {
namespace {

constexpr NameTable<Engine, 5> engines = {{{"postgresql", Engine::postgresql},
                                           {"mariadb", Engine::mariadb},
                                           {"mysql", Engine::mysql},
                                           {"redis", Engine::redis},
                                           {"valkey", Engine::valkey}}};

// What every server of a database has, be it the database's own or a replica's.
template <typename Spec>
Result<void> readPlace(JsonReader& reader, Spec& spec) {
    spec.server = reader.string("server");
    if (const Json* service = reader.child("service"))
        spec.service = TRY(serviceFromJson(*service, reader.pathOf("service")));
    if (auto address = parseHostPort(reader.string("address")))
        spec.address = *address;
    else
        reader.problem("address", "must be HOST:PORT");
    if (const std::string replication = reader.string("replication", ""); !replication.empty()) {
        if (auto address = parseHostPort(replication))
            spec.replication = *address;
        else
            reader.problem("replication", "must be HOST:PORT");
    }
    requireName(reader, "server", spec.server);
    requireName(reader, "name", spec.name);
    if (spec.service.manage == Manage::direct && (spec.service.data.empty() || spec.service.bin.empty()))
        reader.problem("service", "needs data and bin when manage is direct");
    if (spec.service.manage == Manage::systemd && (spec.service.unit.empty() || spec.service.data.empty()))
        reader.problem("service", "needs unit and data when manage is systemd");
    if (spec.service.manage == Manage::pg_ctlcluster && (spec.service.unit.empty() || spec.service.version.empty()))
        reader.problem("service", "needs version and unit (the cluster's name) when manage is pg_ctlcluster");
    return {};
}

constexpr NameTable<WhenCut, 2> whenCutNames = {{{"degrade", WhenCut::degrade}, {"wait", WhenCut::wait}}};

Result<void> readSynchronous(JsonReader& reader, DatabaseSpec& spec) {
    const Json* value = reader.child("synchronous");
    if (!value) return {};
    JsonReader inner(*value, reader.pathOf("synchronous"));
    spec.synchronous.with = inner.string("with");
    spec.synchronous.whenCut = readEnum(inner, "when_cut", whenCutNames, WhenCut::degrade);
    requireName(inner, "with", spec.synchronous.with);
    if (spec.engine != Engine::postgresql) reader.problem("synchronous", "is known for postgresql only");
    return inner.finish();
}

template <typename Spec>
JsonObject placeOf(const Spec& spec) {
    JsonObject out{{"name", spec.name},
                   {"server", spec.server},
                   {"service", serviceToJson(spec.service)},
                   {"address", spec.address.text()}};
    if (spec.replication) out["replication"] = spec.replication->text();
    return out;
}

Result<ReplicaSpec> replicaFromJson(const Json& value, std::string_view name, std::string path) {
    JsonReader reader(value, std::move(path));
    ReplicaSpec spec;
    spec.name = reader.string("name", name);
    TRY_VOID(readPlace(reader, spec));
    if (spec.name != name) reader.problem("name", "must be the key, or be left out");
    TRY_VOID(reader.finish());
    return spec;
}

void readCopyAddress(JsonReader& reader, DatabaseSpec& spec) {
    const std::string copy = reader.string("copy", "");
    if (copy.empty()) return;
    if (auto address = parseHostPort(copy))
        spec.copy = *address;
    else
        reader.problem("copy", "must be HOST:PORT");
    if (spec.engine != Engine::mariadb)
        reader.problem("copy", "is for mariadb: the other engines copy over their own port");
    if (spec.copy == spec.address)
        reader.problem("copy", "must be a port of its own: the agent listens there, not the server");
}

Result<void> readReplicas(JsonReader& reader, DatabaseSpec& spec) {
    const JsonObject* members = reader.object("replicas");
    if (!members) return {};
    if (members->size() > limits::replicasPerDatabase) reader.problem("replicas", "has more than 8 entries");
    std::set<std::string> addresses{spec.address.text()};
    for (const auto& member : *members) {
        const std::string name(member.key());
        ReplicaSpec replica = TRY(replicaFromJson(member.value(), name, reader.pathOf("replicas") + "." + name));
        if (!addresses.insert(replica.address.text()).second)
            reader.problem("replicas",
                           "has '" + name + "' at " + replica.address.text() + ", where another server of it is");
        spec.replicas[name] = std::move(replica);
    }
    return {};
}

}  // namespace

std::string_view nameOf(WhenCut whenCut) {
    return nameIn(whenCutNames, whenCut);
}

std::string_view nameOf(Engine engine) {
    return nameIn(engines, engine);
}

std::string_view variablePrefix(Engine engine) {
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

std::string variablePrefix(Engine engine, std::string_view database) {
    std::string prefix = std::string(variablePrefix(engine)) + "_";
    for (const unsigned char character : database)
        prefix += character == '-' ? '_' : static_cast<char>(std::toupper(character));
    return prefix;
}

Result<DatabaseSpec> databaseFromJson(const Json& value, std::string_view name, std::string path) {
    JsonReader reader(value, path);
    DatabaseSpec spec;
    spec.name = reader.string("name", name);
    if (textAt(value, "engine") == "mongodb")
        return fail(ErrorCode::Unsupported, path + ".engine: mongodb cannot be replicated between two applications",
                    "its replica sets elect their own primary; run one replica set over both sites instead");
    spec.engine = readEnum(reader, "engine", engines, Engine::postgresql);
    TRY_VOID(readPlace(reader, spec));
    readCopyAddress(reader, spec);
    spec.database = reader.string("database", "");
    spec.user = reader.string("user", "");
    requireWord(reader, "database", spec.database);
    requireWord(reader, "user", spec.user);
    TRY_VOID(readReplicas(reader, spec));
    TRY_VOID(readSynchronous(reader, spec));
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const DatabaseSpec& spec) {
    JsonObject out = placeOf(spec);
    if (spec.copy) out["copy"] = spec.copy->text();
    out["engine"] = nameOf(spec.engine);
    out["database"] = spec.database;
    out["user"] = spec.user;
    if (!spec.synchronous.with.empty())
        out["synchronous"] =
            JsonObject{{"with", spec.synchronous.with}, {"when_cut", nameOf(spec.synchronous.whenCut)}};
    return out;
}

Json toJson(const ReplicaSpec& spec) {
    return placeOf(spec);
}

}  // namespace swb
