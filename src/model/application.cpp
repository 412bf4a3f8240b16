#include "model/application.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "model/copy.h"
#include "model/definition_reading.h"

namespace swb {

namespace {

template <typename Spec, typename Parse>
Result<std::map<std::string, Spec>> readNamed(JsonReader& reader, std::string_view key, size_t most, Parse parse) {
    std::map<std::string, Spec> out;
    const JsonObject* members = reader.object(key);
    if (!members) return out;
    if (members->size() > most) reader.problem(key, "has too many entries");
    for (const auto& member : *members) {
        const std::string name(member.key());
        const std::string path = reader.pathOf(key) + "." + name;
        Spec spec = TRY(parse(member.value(), name, path));
        if (spec.name != name) return fail(ErrorCode::InvalidInput, path + ".name must be the key, or be left out");
        out[name] = std::move(spec);
    }
    return out;
}

// "ADDRESS:PORT" wherever a front would listen.
std::string listenOf(const WebSpec& web, const std::string& listen) {
    const auto full = parseHostPort(listen);
    return full ? full->text() : HostPort{web.address, static_cast<uint16_t>(std::stoul(listen))}.text();
}

// One front has one site file of an application, and one address and port of a server one owner.
Result<void> checkFronts(const std::vector<WebSpec>& web) {
    std::map<std::string, std::string> owners;
    for (size_t index = 0; index < web.size(); ++index) {
        const WebSpec& spec = web[index];
        const std::string path = "web[" + std::to_string(index) + "]";
        std::set<std::string> taken{std::string(nameOf(spec.front)) + ' ' + std::string(nameOf(spec.service.manage)) +
                                    ' ' + spec.service.config + ' ' + spec.service.unit};
        for (const std::string& listen : spec.listen) taken.insert(listenOf(spec, listen));
        for (const std::string& what : taken) {
            const auto [owner, isNew] = owners.emplace(spec.server + ' ' + what, path);
            if (isNew) continue;
            if (what.find(' ') == std::string::npos)
                return fail(ErrorCode::InvalidInput, path + ".listen: " + owner->second + " listens at " + what +
                                                         " of " + spec.server + " already");
            return fail(ErrorCode::InvalidInput,
                        path + ".server: " + owner->second + " is the same " + std::string(nameOf(spec.front)) +
                            " of " + spec.server,
                        "one entry may listen at several addresses and ports: `listen: [ADDRESS:PORT, …]`");
        }
    }
    return {};
}

Result<Application> readApplication(const Json& value) {
    JsonReader reader(value);
    Application application;
    application.name = reader.string("application");
    application.site = reader.string("site");
    if (!isCopyName(application.name)) requireName(reader, "application", application.name);
    requireName(reader, "site", application.site);
    if (const Json* code = reader.child("code")) {
        JsonReader codeReader(*code, "code");
        application.code.source = codeReader.string("source");
        application.code.revision = codeReader.string("revision", "");
        application.code.build = codeReader.string("build", "");
        TRY_VOID(codeReader.finish());
    }
    application.processes =
        TRY((readNamed<ProcessSpec>(reader, "processes", limits::processesPerApplication, processFromJson)));
    application.databases =
        TRY((readNamed<DatabaseSpec>(reader, "databases", limits::databasesPerApplication, databaseFromJson)));
    application.environment = readEnvironment(reader, "environment");
    application.environmentDiffers = readVariableNames(reader, "environment_differs");
    if (const JsonArray* web = reader.array("web"))
        for (size_t index = 0; index < web->size(); ++index)
            application.web.push_back(TRY(webFromJson((*web)[index], "web[" + std::to_string(index) + "]")));
    if (const Json* maintenance = reader.child("maintenance"))
        application.maintenance = TRY(maintenanceFromJson(*maintenance, "maintenance"));
    TRY_VOID(reader.finish());
    TRY_VOID(checkFronts(application.web));
    for (const auto& [name, database] : application.databases)
        if (database.synchronous.with == application.name)
            return fail(ErrorCode::InvalidDefinition,
                        "databases." + name + ".synchronous.with names the application itself",
                        "Name the application at the other site, whose copy confirms commits.");
    if (application.servers().size() > limits::serversPerApplication)
        return fail(ErrorCode::TooLarge, "the application names more than 64 servers");
    return application;
}

}  // namespace

Result<Application> applicationFromJson(const Json& value) {
    Application application = TRY(readApplication(value));
    if (isInside(application.name))
        return fail(ErrorCode::InvalidInput, "application must be a name of 1 to 63 characters a-z, 0-9 and '-'",
                    "a replica inside an application is part of its definition: databases.NAME.replicas");
    return application;
}

Result<Application> copyFromJson(const Json& value) {
    return readApplication(value);
}

Json applicationToJson(const Application& application) {
    JsonObject processes, databases;
    for (const auto& [name, spec] : application.processes) processes[name] = toJson(spec);
    for (const auto& [name, spec] : application.databases) {
        JsonObject database = toJson(spec).as_object();
        if (!spec.replicas.empty()) {
            JsonObject replicas;
            for (const auto& [replicaName, replica] : spec.replicas) replicas[replicaName] = toJson(replica);
            database["replicas"] = replicas;
        }
        databases[name] = database;
    }
    JsonArray web;
    for (const WebSpec& spec : application.web) web.push_back(toJson(spec));
    JsonObject out{{"application", application.name}, {"site", application.site}};
    if (!application.code.source.empty())
        out["code"] = JsonObject{{"source", application.code.source},
                                 {"revision", application.code.revision},
                                 {"build", application.code.build}};
    out["processes"] = processes;
    out["environment"] = environmentToJson(application.environment);
    if (!application.environmentDiffers.empty())
        out["environment_differs"] =
            JsonArray(application.environmentDiffers.begin(), application.environmentDiffers.end());
    out["web"] = web;
    out["databases"] = databases;
    out["maintenance"] = toJson(application.maintenance);
    return out;
}

std::vector<std::string> Application::servers() const {
    std::set<std::string> names;
    for (const auto& [key, spec] : processes) names.insert(spec.server);
    for (const auto& [key, spec] : databases) names.insert(spec.server);
    for (const WebSpec& spec : web) names.insert(spec.server);
    return {names.begin(), names.end()};
}

std::vector<std::string> Application::frontAddresses() const {
    std::set<std::string> addresses;
    for (const WebSpec& spec : web) addresses.insert(spec.address);
    return {addresses.begin(), addresses.end()};
}

}  // namespace swb
