#include "lab/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "crypto/digest.h"

namespace swb::lab {
namespace {

// sun_path has 108 bytes with its end; the longest name is that of the socket's lock file.
constexpr size_t socketPathMax = 107;
constexpr std::string_view longestSocket = "/fra-1/.s.PGSQL.65535.lock";
constexpr int numbers = 255;

Json siteToJson(const Site& site) {
    return JsonObject{{"name", site.name},       {"title", site.title},
                      {"server", site.server},   {"application", site.application},
                      {"address", site.address}, {"databasePort", site.databasePort},
                      {"webPort", site.webPort}, {"processPort", site.processPort}};
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

Result<Site> siteFromJson(const Json& value) {
    JsonReader reader(value, "site");
    Site site;
    site.name = reader.string("name");
    site.title = reader.string("title");
    site.server = reader.string("server");
    site.application = reader.string("application");
    site.address = reader.string("address");
    site.databasePort = readPort(reader, "databasePort");
    site.webPort = readPort(reader, "webPort");
    site.processPort = readPort(reader, "processPort");
    TRY_VOID(reader.finish());
    return site;
}

// A value of a libpq connection string.
std::string quotedValue(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

// A word in single quotes, for YAML ('' stands for ') or, with the other escape, for a POSIX shell.
std::string quoted(std::string_view text, std::string_view escape) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string(escape) : std::string(1, c);
    return out + "'";
}
std::string yaml(std::string_view text) {
    return quoted(text, "''");
}
std::string shell(std::string_view text) {
    return quoted(text, "'\\''");
}

}  // namespace

std::string World::dsn(const Site& site) const {
    return fmt::format("host={} port={} dbname={} user={} password={}", site.address, site.databasePort, databaseName,
                       databaseUser, quotedValue(password.reveal()));
}

std::string World::adminDsn(const Site& site) const {
    return fmt::format("host={} port={} dbname={} user=postgres", quotedValue(socketsOf(site)), site.databasePort,
                       databaseName);
}

const Site* World::siteAt(const std::string& address) const {
    for (const Site& site : sites)
        if (site.address == address) return &site;
    return nullptr;
}

std::vector<Site> makeSites(int number) {
    const std::string net = "127." + std::to_string(number) + ".";
    return {{"fra", "Frankfurt", "fra-1", "shop-fra", net + "10.1"},
            {"nyc", "New York", "nyc-1", "shop-nyc", net + "20.1"}};
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
    JsonArray sites;
    for (const Site& site : world.sites) sites.push_back(siteToJson(site));
    return JsonObject{{"format", 1},
                      {"directory", world.directory},
                      {"socketDirectory", world.socketDirectory},
                      {"programs", world.programs},
                      {"postgresql", world.postgresql},
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
                      {"sites", std::move(sites)}};
}

Result<World> worldFromJson(const Json& value) {
    JsonReader reader(value, "lab");
    World world;
    if (reader.integer("format") != 1) reader.problem("format", "is not 1: another version of swing made it");
    world.directory = reader.string("directory");
    world.socketDirectory = reader.string("socketDirectory");
    world.programs = reader.string("programs");
    world.postgresql = reader.string("postgresql");
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
    if (const JsonArray* sites = reader.array("sites"))
        for (const Json& site : *sites) world.sites.push_back(TRY(siteFromJson(site)));
    if (world.sites.size() != 2) reader.problem("sites", "must be two");
    if (!sameNames(world.sites, makeSites(world.number))) reader.problem("sites", "are not those of the lab's number");
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
        site.title, world.definitionFile(site), site.application, site.name, yaml(world.codeDirectory(site)),
        site.server, yaml(world.codeDirectory(site) + "/shop.py"), process, process, site.name, site.server,
        yaml(world.codeDirectory(site) + "/shop_worker.py"), site.name);
    text += fmt::format(
        "web:\n"
        "  - server: {}\n"
        "    front: nginx\n"
        "    address: {}          # what the failover address answers\n"
        "    listen: [\"{}:{}\"]\n"
        "    upstream: {}\n"
        "    service: {{manage: direct, config: {}, bin: {}}}\n",
        site.server, site.address, site.address, site.webPort, process, yaml(world.nginxConfiguration(site)),
        yaml(world.nginx));
    text += fmt::format(
        "databases:\n"
        "  main:\n"
        "    engine: postgresql\n"
        "    server: {}\n"
        "    service: {{manage: direct, data: {}, bin: {}, socket: {}}}\n"
        "    address: {}:{}        # where the other site reaches it\n"
        "    database: {}\n"
        "    user: {}              # its password: swing app secret set {} POSTGRESQL_PASSWORD\n",
        site.server, yaml(world.dataDirectory(site)), yaml(world.postgresql), yaml(world.socketsOf(site)), site.address,
        site.databasePort, databaseName, databaseUser, site.application);
    return text;
}

std::string environmentText(const World& world) {
    return fmt::format(
        "# Lets `swing` find the lab's controller: . {}\n"
        "export SWING_URL={}\nexport SWING_TOKEN_FILE={}\nexport SWING_CA={}\n",
        world.environmentFile(), shell(world.url()), shell(world.tokenFile()), shell(world.authorityFile()));
}

}  // namespace swb::lab
