#include "lab/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "crypto/digest.h"
#include "lab/lab_engine.h"
#include "lab/quote.h"

namespace swb::lab {
namespace {

// sun_path has 108 bytes with its end; the longest name is that of the socket's lock file.
constexpr size_t socketPathMax = 107;
constexpr std::string_view longestSocket = "/fra-1-reports/.s.PGSQL.65535.lock";
constexpr int numbers = 255;
constexpr int64_t formatOfState = 2;

Json siteToJson(const Site& site) {
    JsonObject databases;
    for (const auto& [engine, ports] : site.databases)
        databases[nameOf(engine)] = JsonObject{{"port", ports.port}, {"secondPort", ports.secondPort}};
    return JsonObject{{"name", site.name},       {"title", site.title},
                      {"server", site.server},   {"application", site.application},
                      {"address", site.address}, {"webPort", site.webPort},
                      {"databases", databases},  {"processPort", site.processPort}};
}

bool sameNames(const std::vector<Site>& left, const std::vector<Site>& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const Site& a, const Site& b) {
        return a.name == b.name && a.server == b.server && a.application == b.application && a.address == b.address;
    });
}

// What mkdtemp() makes of World::temporaryPattern.
bool isOwnTemporary(std::string_view path) {
    const std::string_view pattern = World::temporaryPattern;
    const std::string_view prefix = pattern.substr(0, pattern.find('X'));
    return path.size() == pattern.size() && path.starts_with(prefix) &&
           std::all_of(path.begin() + static_cast<std::ptrdiff_t>(prefix.size()), path.end(),
                       [](unsigned char c) { return std::isalnum(c); });
}

uint16_t readPort(JsonReader& reader, std::string_view key) {
    const int64_t port = reader.integer(key);
    if (port < 1 || port > 65535) reader.problem(key, "is no port");
    return static_cast<uint16_t>(port);
}

Result<std::map<Engine, DatabasePorts>> portsFromJson(const Json& value, const std::vector<Engine>& engines) {
    JsonReader reader(value, "databases");
    std::map<Engine, DatabasePorts> all;
    for (const Engine engine : engines) {
        const Json* one = reader.child(nameOf(engine));
        if (!one) return fail(ErrorCode::InvalidInput, "a site has no ports of " + std::string(nameOf(engine)));
        JsonReader ports(*one, reader.pathOf(nameOf(engine)));
        all[engine].port = readPort(ports, "port");
        if (ports.integer("secondPort") != 0) all[engine].secondPort = readPort(ports, "secondPort");
        TRY_VOID(ports.finish());
    }
    TRY_VOID(reader.finish());
    return all;
}

Result<Site> siteFromJson(const Json& value, const std::vector<Engine>& engines) {
    JsonReader reader(value, "site");
    Site site;
    site.name = reader.string("name");
    site.title = reader.string("title");
    site.server = reader.string("server");
    site.application = reader.string("application");
    site.address = reader.string("address");
    site.webPort = readPort(reader, "webPort");
    site.processPort = readPort(reader, "processPort");
    if (const Json* databases = reader.child("databases")) site.databases = TRY(portsFromJson(*databases, engines));
    TRY_VOID(reader.finish());
    return site;
}

Result<std::vector<LabDatabase>> databasesFromJson(const JsonArray& values) {
    std::vector<LabDatabase> databases;
    for (const Json& value : values) {
        JsonReader reader(value, "database");
        const auto engines = TRY(parseEngines(reader.string("engine")));
        if (engines.size() != 1) reader.problem("engine", "must be one");
        databases.push_back({engines.front(), reader.string("programs")});
        TRY_VOID(reader.finish());
    }
    return databases;
}

}  // namespace

std::string World::programsOf(Engine engine) const {
    for (const LabDatabase& database : databases)
        if (database.engine == engine) return database.programs;
    return {};
}

std::vector<Engine> World::engines() const {
    std::vector<Engine> all;
    for (const LabDatabase& database : databases) all.push_back(database.engine);
    return all;
}

const Site* World::siteAt(const std::string& address) const {
    for (const Site& site : sites)
        if (site.address == address) return &site;
    return nullptr;
}

std::vector<Site> makeSites(int number, const std::vector<Engine>& engines) {
    const std::string net = "127." + std::to_string(number) + ".";
    std::vector<Site> sites(2);
    sites[0] = {"fra", "Frankfurt", "fra-1", "shop-fra", net + "10.1", 8080, 3000, {}};
    sites[1] = {"nyc", "New York", "nyc-1", "shop-nyc", net + "20.1", 8080, 3000, {}};
    for (Site& site : sites)
        for (const Engine engine : engines) site.databases[engine] = engineOf(engine).wantedPorts();
    return sites;
}

Site replicasOf(const Site& site) {
    Site out = site;
    out.address.back() = '2';
    out.replica = replicaName;
    return out;
}

int preferredNumber(const std::string& directory, bool isDefaultDirectory) {
    if (isDefaultDirectory) return 0;
    const std::string digest = crypto::sha256Hex(directory);
    return 1 + static_cast<int>(std::stoul(digest.substr(0, 7), nullptr, 16) % (numbers - 1));
}

bool socketsFit(const std::string& directory) {
    return directory.size() + longestSocket.size() <= socketPathMax;
}

Json toJson(const World& world) {
    JsonArray databases, sites;
    for (const LabDatabase& database : world.databases)
        databases.push_back(JsonObject{{"engine", nameOf(database.engine)}, {"programs", database.programs}});
    for (const Site& site : world.sites) sites.push_back(siteToJson(site));
    return JsonObject{{"format", formatOfState},
                      {"directory", world.directory},
                      {"socketDirectory", world.socketDirectory},
                      {"programs", world.programs},
                      {"nginx", world.nginx},
                      {"user", world.user},
                      {"startedBy", world.startedBy},
                      {"state", world.state},
                      {"caPin", world.caPin},
                      {"number", world.number},
                      {"starterPid", world.starterPid},
                      {"starterTicks", world.starterTicks},
                      {"apiPort", world.apiPort},
                      {"dnsPort", world.dnsPort},
                      {"password", world.password.reveal()},
                      {"replicas", world.replicas},
                      {"databases", std::move(databases)},
                      {"sites", std::move(sites)}};
}

Result<World> worldFromJson(const Json& value) {
    JsonReader reader(value, "lab");
    World world;
    if (reader.integer("format") != formatOfState)
        return fail(ErrorCode::InvalidInput, "another version of swing made this lab",
                    "end it with `swing lab down` of that version");
    world.directory = reader.string("directory");
    world.socketDirectory = reader.string("socketDirectory");
    world.programs = reader.string("programs");
    world.nginx = reader.string("nginx");
    world.user = reader.string("user");
    world.startedBy = reader.string("startedBy");
    world.state = reader.string("state");
    world.caPin = reader.string("caPin");
    world.number = static_cast<int>(reader.integer("number"));
    if (world.number < 0 || world.number >= numbers) reader.problem("number", "must be 0 to 254");
    world.starterPid = static_cast<pid_t>(reader.integer("starterPid"));
    world.starterTicks = static_cast<uint64_t>(reader.integer("starterTicks"));
    world.apiPort = readPort(reader, "apiPort");
    world.dnsPort = readPort(reader, "dnsPort");
    world.password = Secret(reader.string("password"));
    world.replicas = reader.boolean("replicas", false);
    if (const JsonArray* databases = reader.array("databases")) world.databases = TRY(databasesFromJson(*databases));
    if (world.databases.empty()) reader.problem("databases", "must not be empty");
    if (const JsonArray* sites = reader.array("sites"))
        for (const Json& site : *sites) world.sites.push_back(TRY(siteFromJson(site, world.engines())));
    if (world.sites.size() != 2) reader.problem("sites", "must be two");
    if (!sameNames(world.sites, makeSites(world.number, {})))
        reader.problem("sites", "are not those of the lab's number");
    if (world.socketDirectory != world.directory + "/sockets" && !isOwnTemporary(world.socketDirectory))
        reader.problem("socketDirectory", "is not one that a lab makes");
    TRY_VOID(reader.finish());
    return world;
}

std::string definitionText(const World& world, const Site& site) {
    const std::string process = fmt::format("{}:{}", site.address, site.processPort);
    std::string text = fmt::format(
        "# The shop at {}, as `swing lab` defined it. Try: swing app apply {}\n"
        "application: {}\n"
        "site: {}\n"
        "code:\n"
        "  source: {}\n"
        "processes:\n"
        "  web:\n"
        "    server: {}\n"
        "    command: [/usr/bin/python3, {}, --listen, \"{}\"]\n"
        "    health: http://{}/healthz\n"
        "    on_change: reload\n"
        "    environment: {{SHOP_SITE: {}}}\n"
        "  worker:\n"
        "    server: {}\n"
        "    command: [/usr/bin/python3, {}]\n"
        "    writes: true          # stopped in maintenance, runs at the current site only\n"
        "    on_change: reload\n"
        "    environment: {{SHOP_SITE: {}}}\n",
        site.title, world.definitionFile(site), site.application, site.name, yamlWord(world.codeDirectory(site)),
        site.server, yamlWord(world.codeDirectory(site) + "/shop.py"), process, process, site.name, site.server,
        yamlWord(world.codeDirectory(site) + "/shop_worker.py"), site.name);
    text += fmt::format(
        "web:\n"
        "  - server: {}\n"
        "    front: nginx\n"
        "    address: {}          # what the failover address answers\n"
        "    listen: [\"{}:{}\"]\n"
        "    upstream: {}\n"
        "    service: {{manage: direct, config: {}, bin: {}}}\n",
        site.server, site.address, site.address, site.webPort, process, yamlWord(world.nginxConfiguration(site)),
        yamlWord(world.nginx));
    text += "databases:\n";
    for (const LabEngine* engine : enginesOf(world)) {
        text += engine->definition(world, site);
        if (world.replicas) text += engine->replicaDefinition(world, replicasOf(site));
    }
    return text;
}

std::string environmentText(const World& world) {
    return fmt::format(
        "# Lets `swing` find the lab's controller: . {}\n"
        "export SWING_URL={}\nexport SWING_TOKEN_FILE={}\nexport SWING_CA={}\n",
        world.environmentFile(), shellWord(world.url()), shellWord(world.tokenFile()),
        shellWord(world.authorityFile()));
}

}  // namespace swb::lab
