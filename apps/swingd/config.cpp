#include "config.h"

#include "base/file.h"
#include "model/yaml.h"
#include "publication/survey.h"

namespace swb {
namespace {

std::vector<HostPort> readAddresses(JsonReader& reader, std::string_view key, uint16_t defaultPort = 0) {
    std::vector<HostPort> out;
    for (const std::string& text : reader.strings(key)) {
        // Port 0 (any free one) is for the lab and tests; parseHostPort has no such thing.
        const bool any = text.size() > 2 && text.ends_with(":0");
        auto address = parseHostPort(any ? text.substr(0, text.size() - 1) + "1" : text, defaultPort);
        if (!address || !isIpAddress(address->host)) {
            reader.problem(key, "must be a list of ADDRESS:PORT");
            return {};
        }
        if (any) address->port = 0;
        out.push_back(*address);
    }
    if (out.empty()) reader.problem(key, "needs at least one ADDRESS:PORT");
    return out;
}

Result<dispatch::ZoneSettings> readZone(JsonReader& reader) {
    dispatch::ZoneSettings zone;
    zone.zone = reader.string("zone");
    zone.mailbox = reader.string("mailbox", "");
    if (const JsonArray* servers = reader.array("name_servers"))
        for (const Json& entry : *servers) {
            JsonReader server(entry, "dns.name_servers");
            dispatch::ZoneSettings::NameServer nameServer{server.string("name"), server.strings("addresses")};
            TRY_VOID(server.finish());
            zone.nameServers.push_back(std::move(nameServer));
        }
    if (!isHostName(zone.zone)) reader.problem("zone", "must be a domain name");
    if (zone.nameServers.empty()) reader.problem("name_servers", "needs at least one name server");
    return zone;
}

Result<void> readDnssec(DaemonConfig& config, const Json& value) {
    JsonReader reader(value, "dns.dnssec");
    config.dnssecAlgorithm = TRY(dns::sign::algorithmFromNumber(reader.integer("algorithm", 13)));
    const std::string keys = reader.string("keys", "split");
    if (keys != "split" && keys != "combined") reader.problem("keys", "must be split or combined");
    config.dnssecKeys = keys == "split" ? dns::sign::KeyLayout::split : dns::sign::KeyLayout::combined;
    return reader.finish();
}

}  // namespace

DataPaths::DataPaths(const std::string& directory)
    : config(directory + "/swingd.yaml"),
      authority(directory + "/ca.pem"),
      authorityKey(directory + "/ca.key"),
      certificate(directory + "/server.pem"),
      certificateKey(directory + "/server.key"),
      store(directory + "/swingd.db"),
      sealKey(directory + "/seal.key"),
      zones(directory + "/zones"),
      dnssec(directory + "/dnssec"),
      adminToken(directory + "/admin.token") {}

Result<DaemonConfig> readConfig(const std::string& path) {
    auto text = readFile(path, 1 << 20);
    if (!text && text.error().code == ErrorCode::NotFound)
        return fail(ErrorCode::NotFound, "there is no " + path, "run `swingd init` first");
    if (!text) return fail(text.error());
    const YamlDocument document = TRY(parseYaml(*text));
    const auto read = [&]() -> Result<DaemonConfig> {
        JsonReader reader(document.value);
        DaemonConfig config;
        config.listen = readAddresses(reader, "listen");
        config.publicUrl = reader.string("public_url", "");
        config.names = reader.strings("certificate_names");
        if (reader.has("resolvers")) config.resolvers = readAddresses(reader, "resolvers", 53);
        config.providerAuthority = reader.string("provider_ca", "");
        const Json* dns = reader.child("dns");
        if (!dns) reader.problem("dns", "is required");
        if (dns) {
            JsonReader dnsReader(*dns, "dns");
            config.zone = TRY(readZone(dnsReader));
            config.dnsListen = readAddresses(dnsReader, "listen");
            config.nameServer = readNameServer(dnsReader);
            if (const Json* secondaries = dnsReader.child("secondaries")) {
                JsonReader peers(*secondaries, "dns.secondaries");
                config.secondaries = TRY(readPeers(peers));
                TRY_VOID(peers.finish());
            }
            if (const Json* dnssec = dnsReader.child("dnssec")) TRY_VOID(readDnssec(config, *dnssec));
            config.furtherZones = dnsReader.strings("further_zones");
            for (const std::string& zone : config.furtherZones)
                if (!isHostName(zone)) dnsReader.problem("further_zones", "must be domain names");
            TRY_VOID(dnsReader.finish());
        }
        TRY_VOID(reader.finish());
        return config;
    };
    auto config = read();
    if (!config) return fail(document.placed(config.error()).within(path));
    return config;
}

Result<std::vector<dns::Endpoint>> resolversOf(const DaemonConfig& config) {
    std::vector<dns::Endpoint> resolvers;
    for (const HostPort& address : config.resolvers)
        resolvers.push_back({TRY(dns::IpAddress::fromText(address.host)), address.port});
    return resolvers.empty() ? publication::systemResolvers() : resolvers;
}

std::string configText(const DaemonConfig& config) {
    const auto list = [](const std::vector<HostPort>& addresses) {
        std::string out;
        for (const HostPort& address : addresses) out += (out.empty() ? "\"" : ", \"") + address.text() + "\"";
        return "[" + out + "]";
    };
    std::string names;
    for (const std::string& name : config.names) names += (names.empty() ? "\"" : ", \"") + name + "\"";
    std::string text = "# The controller's configuration. Unknown keys are errors.\n";
    text += "listen: " + list(config.listen) + "          # API and agents, HTTPS\n";
    text += "public_url: \"" + config.publicUrl + "\"   # what agents and people are told\n";
    text += "certificate_names: [" + names + "]   # names and addresses in the controller's certificate\n";
    text += "dns:\n";
    text += "  zone: " + config.zone.zone + "\n";
    text += "  listen: " + list(config.dnsListen) + "\n";
    text += "  threads: " + std::to_string(config.nameServer.threads) + "\n";
    text += "  name_servers:                      # the zone's NS records; the first is the SOA's primary\n";
    for (const auto& server : config.zone.nameServers) {
        std::string addresses;
        for (const std::string& address : server.addresses)
            addresses += (addresses.empty() ? "\"" : ", \"") + address + "\"";
        text += "    - {name: " + server.name + ", addresses: [" + addresses + "]}\n";
    }
    return text;
}

}  // namespace swb
