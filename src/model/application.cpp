#include "model/application.h"

#include <algorithm>
#include <set>

#include "base/ids.h"
#include "base/limits.h"
#include "model/names.h"

namespace swb {
namespace {

constexpr NameTable<Engine, 5> engines = {{{"postgresql", Engine::postgresql},
                                           {"mariadb", Engine::mariadb},
                                           {"mysql", Engine::mysql},
                                           {"redis", Engine::redis},
                                           {"valkey", Engine::valkey}}};
constexpr NameTable<Manage, 3> manages = {
    {{"direct", Manage::direct}, {"systemd", Manage::systemd}, {"pg_ctlcluster", Manage::pg_ctlcluster}}};
constexpr NameTable<Front, 2> fronts = {{{"nginx", Front::nginx}, {"haproxy", Front::haproxy}}};
constexpr NameTable<OnChange, 3> onChanges = {
    {{"restart", OnChange::restart}, {"reload", OnChange::reload}, {"none", OnChange::none}}};

bool isAbsolutePath(std::string_view path) {
    return path.starts_with('/') && path.size() < 4096 && path.find('\0') == std::string_view::npos &&
           path.find('\n') == std::string_view::npos;
}

// Words that become part of a service's configuration or argv: no blanks, quotes or control characters.
bool isPlainWord(std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7f &&
               std::string_view("\"'`\\;{}$<>|&()").find(static_cast<char>(c)) == std::string_view::npos;
    });
}

void requirePath(JsonReader& reader, std::string_view key, const std::string& value) {
    if (!value.empty() && !isAbsolutePath(value)) reader.problem(key, "must be an absolute path");
}

void requireWord(JsonReader& reader, std::string_view key, const std::string& value) {
    if (!value.empty() && !isPlainWord(value)) reader.problem(key, "must be a plain word without blanks or quotes");
}

void requireName(JsonReader& reader, std::string_view key, const std::string& value) {
    if (!isName(value)) reader.problem(key, "must be a name of 1 to 63 characters a-z, 0-9 and '-'");
}

Result<ServiceSpec> serviceFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    ServiceSpec spec;
    spec.manage = readEnum(reader, "manage", manages, Manage::direct);
    spec.data = reader.string("data", "");
    spec.bin = reader.string("bin", "");
    spec.unit = reader.string("unit", "");
    spec.version = reader.string("version", "");
    spec.socket = reader.string("socket", "");
    spec.config = reader.string("config", "");
    spec.superuser = reader.string("superuser", "");
    spec.runAs = reader.string("run_as", "");
    for (const auto& [key, text] :
         {std::pair{"data", &spec.data}, {"bin", &spec.bin}, {"socket", &spec.socket}, {"config", &spec.config}})
        requirePath(reader, key, *text);
    for (const auto& [key, text] : {std::pair{"unit", &spec.unit},
                                    {"version", &spec.version},
                                    {"superuser", &spec.superuser},
                                    {"run_as", &spec.runAs}})
        requireWord(reader, key, *text);
    TRY_VOID(reader.finish());
    return spec;
}

Json serviceToJson(const ServiceSpec& spec) {
    JsonObject out{{"manage", nameOf(spec.manage)}};
    for (const auto& [key, text] : {std::pair{"data", &spec.data},
                                    {"bin", &spec.bin},
                                    {"unit", &spec.unit},
                                    {"version", &spec.version},
                                    {"socket", &spec.socket},
                                    {"config", &spec.config},
                                    {"superuser", &spec.superuser},
                                    {"run_as", &spec.runAs}})
        if (!text->empty()) out[key] = *text;
    return out;
}

bool isEnvironmentName(std::string_view name) {
    if (name.empty() || name.size() > 128 || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

std::map<std::string, std::string> readEnvironment(JsonReader& reader, std::string_view key) {
    std::map<std::string, std::string> out;
    for (auto& [name, text] : reader.stringMap(key)) {
        if (!isEnvironmentName(name))
            reader.problem(key, "has '" + name.substr(0, 60) + "', which is not a variable name");
        if (text.size() > limits::environmentValueBytes || text.find('\0') != std::string::npos)
            reader.problem(key, "has a value of '" + name + "' that is too long");
        out[name] = text;
    }
    if (out.size() > limits::environmentVariables) reader.problem(key, "has too many variables");
    return out;
}

std::vector<std::string> readVariableNames(JsonReader& reader, std::string_view key) {
    std::vector<std::string> names = reader.strings(key);
    if (names.size() > limits::environmentVariables) reader.problem(key, "has too many variables");
    for (const std::string& name : names)
        if (!isEnvironmentName(name))
            reader.problem(key, "has '" + name.substr(0, 60) + "', which is not a variable name");
    return names;
}

JsonObject environmentToJson(const std::map<std::string, std::string>& environment) {
    JsonObject out;
    for (const auto& [name, text] : environment) out[name] = text;
    return out;
}

bool isListen(std::string_view text) {
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos)
        return parseHostPort("0.0.0.0:" + std::string(text)).has_value();
    const auto address = parseHostPort(text);
    return address && isIpAddress(address->host);
}

bool isHttpUrl(std::string_view text) {
    return (text.starts_with("http://") || text.starts_with("https://")) && text.size() < 2048 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string_view nameOf(Engine engine) {
    return nameIn(engines, engine);
}
std::string_view nameOf(Manage manage) {
    return nameIn(manages, manage);
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
std::string_view nameOf(Front front) {
    return nameIn(fronts, front);
}
std::string_view nameOf(OnChange onChange) {
    return nameIn(onChanges, onChange);
}

Result<DatabaseSpec> databaseFromJson(const Json& value, std::string_view name, std::string path) {
    JsonReader reader(value, path);
    DatabaseSpec spec;
    spec.name = reader.string("name", name);
    if (textAt(value, "engine") == "mongodb")
        return fail(ErrorCode::Unsupported, path + ".engine: mongodb cannot be replicated between two applications",
                    "its replica sets elect their own primary; run one replica set over both sites instead");
    spec.engine = readEnum(reader, "engine", engines, Engine::postgresql);
    spec.server = reader.string("server");
    const Json* service = reader.child("service");
    if (service) spec.service = TRY(serviceFromJson(*service, reader.pathOf("service")));
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
    spec.database = reader.string("database", "");
    spec.user = reader.string("user", "");
    requireName(reader, "server", spec.server);
    requireName(reader, "name", spec.name);
    requireWord(reader, "database", spec.database);
    requireWord(reader, "user", spec.user);
    if (spec.service.manage == Manage::direct && (spec.service.data.empty() || spec.service.bin.empty()))
        reader.problem("service", "needs data and bin when manage is direct");
    if (spec.service.manage == Manage::systemd && (spec.service.unit.empty() || spec.service.data.empty()))
        reader.problem("service", "needs unit and data when manage is systemd");
    if (spec.service.manage == Manage::pg_ctlcluster && (spec.service.unit.empty() || spec.service.version.empty()))
        reader.problem("service", "needs version and unit (the cluster's name) when manage is pg_ctlcluster");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const DatabaseSpec& spec) {
    JsonObject out{{"name", spec.name},
                   {"engine", nameOf(spec.engine)},
                   {"server", spec.server},
                   {"service", serviceToJson(spec.service)},
                   {"address", spec.address.text()},
                   {"database", spec.database},
                   {"user", spec.user}};
    if (spec.replication) out["replication"] = spec.replication->text();
    return out;
}

Result<WebSpec> webFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    WebSpec spec;
    spec.server = reader.string("server");
    spec.front = readEnum(reader, "front", fronts, Front::nginx);
    spec.address = reader.string("address");
    spec.listen = reader.strings("listen");
    if (auto upstream = parseHostPort(reader.string("upstream")))
        spec.upstream = *upstream;
    else
        reader.problem("upstream", "must be HOST:PORT");
    if (const Json* service = reader.child("service"))
        spec.service = TRY(serviceFromJson(*service, reader.pathOf("service")));
    spec.serverName = reader.string("server_name", "");
    spec.certificate = reader.string("certificate", "");
    spec.key = reader.string("key", "");
    requireName(reader, "server", spec.server);
    if (!isIpAddress(spec.address)) reader.problem("address", "must be an IP address");
    if (spec.listen.empty() || spec.listen.size() > 8) reader.problem("listen", "needs 1 to 8 ports");
    for (const std::string& listen : spec.listen)
        if (!isListen(listen))
            reader.problem("listen", "has '" + listen.substr(0, 60) + "', not a port or address:port");
    requireWord(reader, "server_name", spec.serverName);
    requirePath(reader, "certificate", spec.certificate);
    requirePath(reader, "key", spec.key);
    if (spec.certificate.empty() != spec.key.empty()) reader.problem("certificate", "and key go together");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const WebSpec& spec) {
    JsonObject out{{"server", spec.server},
                   {"front", nameOf(spec.front)},
                   {"address", spec.address},
                   {"listen", JsonArray(spec.listen.begin(), spec.listen.end())},
                   {"upstream", spec.upstream.text()},
                   {"service", serviceToJson(spec.service)}};
    if (!spec.serverName.empty()) out["server_name"] = spec.serverName;
    if (!spec.certificate.empty()) out["certificate"] = spec.certificate;
    if (!spec.key.empty()) out["key"] = spec.key;
    return out;
}

Result<ProcessSpec> processFromJson(const Json& value, std::string_view name, std::string path) {
    JsonReader reader(value, std::move(path));
    ProcessSpec spec;
    spec.name = reader.string("name", name);
    spec.server = reader.string("server");
    spec.command = reader.strings("command");
    spec.directory = reader.string("directory", "");
    spec.health = reader.string("health", "");
    spec.writes = reader.boolean("writes", false);
    spec.onChange = readEnum(reader, "on_change", onChanges, OnChange::restart);
    spec.stopMs = reader.integer("stop_ms", 5000);
    spec.runAs = reader.string("run_as", "");
    spec.environment = readEnvironment(reader, "environment");
    requireName(reader, "name", spec.name);
    requireName(reader, "server", spec.server);
    if (spec.command.empty() || spec.command.size() > 256) reader.problem("command", "needs 1 to 256 words");
    for (const std::string& word : spec.command)
        if (word.size() > 4096 || word.find('\0') != std::string::npos)
            reader.problem("command", "has a word too long");
    if (!spec.command.empty() && spec.command.front().empty()) reader.problem("command", "begins with an empty word");
    requirePath(reader, "directory", spec.directory);
    requireWord(reader, "run_as", spec.runAs);
    if (!spec.health.empty() && !isHttpUrl(spec.health)) reader.problem("health", "must be an http:// or https:// URL");
    if (spec.stopMs < 0 || spec.stopMs > 600'000) reader.problem("stop_ms", "must be 0 to 600000");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const ProcessSpec& spec) {
    JsonObject out{{"name", spec.name},
                   {"server", spec.server},
                   {"command", JsonArray(spec.command.begin(), spec.command.end())},
                   {"writes", spec.writes},
                   {"on_change", nameOf(spec.onChange)},
                   {"stop_ms", spec.stopMs}};
    if (!spec.directory.empty()) out["directory"] = spec.directory;
    if (!spec.health.empty()) out["health"] = spec.health;
    if (!spec.runAs.empty()) out["run_as"] = spec.runAs;
    if (!spec.environment.empty()) out["environment"] = environmentToJson(spec.environment);
    return out;
}

Result<MaintenanceSpec> maintenanceFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    MaintenanceSpec spec;
    spec.page = reader.string("page", "");
    spec.retryAfterSeconds = reader.integer("retry_after", 30);
    spec.bypassAddresses = reader.strings("bypass_addresses");
    spec.bypassCookie = reader.string("bypass_cookie", "");
    if (spec.page.size() > limits::maintenancePageBytes) reader.problem("page", "is larger than 256 KiB");
    if (spec.retryAfterSeconds < 1 || spec.retryAfterSeconds > 86400)
        reader.problem("retry_after", "must be 1 to 86400 seconds");
    for (const std::string& address : spec.bypassAddresses) {
        const size_t slash = address.find('/');
        const std::string suffix = slash == std::string::npos ? "0" : address.substr(slash + 1);
        if (!isIpAddress(address.substr(0, slash)) || suffix.empty() || suffix.size() > 3 ||
            suffix.find_first_not_of("0123456789") != std::string::npos)
            reader.problem("bypass_addresses", "has '" + address.substr(0, 60) + "', not an IP address or network");
    }
    if (!spec.bypassCookie.empty() &&
        (spec.bypassCookie.size() < 16 || spec.bypassCookie.size() > 128 ||
         !std::all_of(spec.bypassCookie.begin(), spec.bypassCookie.end(),
                      [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; })))
        reader.problem("bypass_cookie", "must be 16 to 128 characters of A-Z, a-z, 0-9, '-' and '_'");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const MaintenanceSpec& spec) {
    return JsonObject{{"page", spec.page},
                      {"retry_after", spec.retryAfterSeconds},
                      {"bypass_addresses", JsonArray(spec.bypassAddresses.begin(), spec.bypassAddresses.end())},
                      {"bypass_cookie", spec.bypassCookie}};
}

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

}  // namespace

namespace {

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

}  // namespace

Result<Application> applicationFromJson(const Json& value) {
    JsonReader reader(value);
    Application application;
    application.name = reader.string("application");
    application.site = reader.string("site");
    requireName(reader, "application", application.name);
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
    if (application.servers().size() > limits::serversPerApplication)
        return fail(ErrorCode::TooLarge, "the application names more than 64 servers");
    return application;
}

Json applicationToJson(const Application& application) {
    JsonObject processes, databases;
    for (const auto& [name, spec] : application.processes) processes[name] = toJson(spec);
    for (const auto& [name, spec] : application.databases) databases[name] = toJson(spec);
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
