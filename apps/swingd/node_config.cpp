#include "node_config.h"

#include "base/file.h"
#include "model/yaml.h"

namespace swb {
namespace {

using dns::transfer::FollowedZone;

std::vector<dns::Endpoint> readEndpoints(JsonReader& reader, std::string_view key) {
    std::vector<dns::Endpoint> endpoints;
    for (const std::string& text : reader.strings(key)) {
        const auto endpoint = dns::Endpoint::fromText(text);
        if (endpoint)
            endpoints.push_back(*endpoint);
        else
            reader.problem(key, "must be a list of ADDRESS:PORT");
    }
    if (endpoints.empty()) reader.problem(key, "needs at least one ADDRESS:PORT");
    return endpoints;
}

Result<FollowedZone> readZone(const Json& value) {
    JsonReader reader(value, "zones");
    FollowedZone zone;
    const auto name = dns::Name::fromText(reader.string("zone"));
    if (name)
        zone.origin = *name;
    else
        reader.problem("zone", "must be a domain name");
    zone.primaries = readEndpoints(reader, "primaries");
    zone.expires = reader.boolean("expires", false);
    if (const std::string key = reader.string("key", ""); !key.empty()) zone.key = TRY(dns::Name::fromText(key));
    TRY_VOID(reader.finish());
    return zone;
}

Result<NodeConfig> readNode(const Json& value) {
    JsonReader reader(value);
    NodeConfig config;
    config.listen = readEndpoints(reader, "listen");
    config.directory = reader.string("data");
    config.nameServer = readNameServer(reader);
    config.pollSeconds = reader.integer("poll_seconds", config.pollSeconds);
    if (config.pollSeconds < 1 || config.pollSeconds > 86'400) reader.problem("poll_seconds", "must be 1 to 86400");
    const std::string from = reader.string("transfer_from", "");
    if (!from.empty()) config.from = TRY(dns::IpAddress::fromText(from));
    const JsonArray* zones = reader.array("zones");
    if (!zones || zones->empty()) reader.problem("zones", "needs at least one zone");
    for (size_t i = 0; zones && i < zones->size(); ++i) config.zones.push_back(TRY(readZone((*zones)[i])));
    config.peers = TRY(readPeers(reader));
    TRY_VOID(reader.finish());
    return config;
}

}  // namespace

std::vector<dns::Name> NodeConfig::neededKeys() const {
    std::vector<dns::Name> names = peers.neededKeys();
    for (const FollowedZone& zone : zones)
        if (zone.key) names.push_back(*zone.key);
    return names;
}

Result<NodeConfig> readNodeConfig(const std::string& path) {
    const YamlDocument document = TRY(parseYaml(TRY(readFile(path, 1 << 20))));
    auto config = readNode(document.value);
    if (!config) return fail(document.placed(config.error()).within(path));
    return config;
}

}  // namespace swb
