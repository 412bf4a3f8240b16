#include "model/publication.h"

#include <algorithm>

#include "base/ids.h"
#include "base/limits.h"
#include "model/address.h"
#include "model/names.h"

namespace swb {
namespace {

constexpr NameTable<ProviderKind, 4> providers = {{{"rfc2136", ProviderKind::rfc2136},
                                                   {"powerdns", ProviderKind::powerdns},
                                                   {"cloudflare", ProviderKind::cloudflare},
                                                   {"route53", ProviderKind::route53}}};
constexpr NameTable<AddressType, 2> types = {{{"A", AddressType::a}, {"AAAA", AddressType::aaaa}}};
constexpr int64_t ttlMax = 86'400;
constexpr size_t urlBytesMax = 300;
constexpr size_t nameServersMax = 16;

std::string lowered(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

bool isLoopback(const std::string& host) {
    return (isIpv4(host) && host.starts_with("127.")) || host == "::1" || host == "localhost";
}

// Credentials travel with every request: clear text only where nobody can listen.
bool isApiUrl(const std::string& url) {
    if (url.size() > urlBytesMax || url.find_first_of(" \t\r\n@?#\\") != std::string::npos) return false;
    const bool clear = url.starts_with("http://");
    if (!clear && !url.starts_with("https://")) return false;
    const std::string rest = url.substr(clear ? 7 : 8);
    const auto address = parseHostPort(rest.substr(0, rest.find('/')), clear ? 80 : 443);
    return address && (!clear || isLoopback(address->host));
}

bool isZoneId(const std::string& text) {
    return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
           });
}

bool isCredential(const std::string& text) {
    if (text.starts_with("secret:")) return isName(text.substr(7));
    return text.starts_with("file:/") && text.size() <= 4096 && text.find('\0') == std::string::npos;
}

void checkEndpoint(JsonReader& reader, const Publication& publication) {
    const std::string& endpoint = publication.endpoint;
    if (publication.provider == ProviderKind::rfc2136) {
        const auto address = parseHostPort(endpoint, 53);
        if (!address || !isIpAddress(address->host))
            reader.problem("endpoint", "must be ADDRESS or ADDRESS:PORT of the zone's primary server");
    } else if (endpoint.empty() ? publication.provider == ProviderKind::powerdns : !isApiUrl(endpoint)) {
        reader.problem("endpoint", "must be an https:// URL (http:// only for a loopback address)");
    }
}

}  // namespace

std::string_view nameOf(ProviderKind kind) {
    return nameIn(providers, kind);
}
std::string_view nameOf(AddressType type) {
    return nameIn(types, type);
}

std::string Publication::key() const {
    return name + "/" + std::string(nameOf(type));
}

Json toJson(const Publication& publication) {
    return JsonObject{{"name", publication.name},
                      {"type", nameOf(publication.type)},
                      {"zone", publication.zone},
                      {"provider", nameOf(publication.provider)},
                      {"endpoint", publication.endpoint},
                      {"zoneId", publication.zoneId},
                      {"credential", publication.credential},
                      {"ttl", publication.ttl},
                      {"nameServers", JsonArray(publication.nameServers.begin(), publication.nameServers.end())}};
}

Result<Publication> publicationFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    Publication publication;
    publication.name = lowered(reader.string("name"));
    publication.type = readEnum(reader, "type", types, AddressType::a);
    publication.zone = lowered(reader.string("zone"));
    if (!reader.has("provider")) reader.problem("provider", "is required");
    publication.provider = readEnum(reader, "provider", providers, ProviderKind::rfc2136);
    publication.endpoint = reader.string("endpoint", "");
    publication.zoneId = reader.string("zoneId", "");
    publication.credential = reader.string("credential");
    publication.ttl = reader.integer("ttl", 0);
    publication.nameServers = reader.strings("nameServers");
    if (!isHostName(publication.name)) reader.problem("name", "must be a host name");
    if (!isHostName(publication.zone)) reader.problem("zone", "must be a domain name");
    if (publication.name != publication.zone && !publication.name.ends_with("." + publication.zone))
        reader.problem("name", "must be in the zone " + publication.zone.substr(0, 80));
    // The mark's name must exist too.
    if (publication.name.size() > 253 - std::string_view("_swingbridge-owner.").size())
        reader.problem("name", "is too long: its ownership mark would not fit");
    checkEndpoint(reader, publication);
    if (!isZoneId(publication.zoneId)) reader.problem("zoneId", "must be letters and digits");
    if (!isCredential(publication.credential)) reader.problem("credential", "must be secret:NAME or file:/PATH");
    if (publication.ttl < 0 || publication.ttl > ttlMax) reader.problem("ttl", "must be 0 to 86400 seconds");
    if (publication.nameServers.size() > nameServersMax) reader.problem("nameServers", "are more than 16");
    for (const std::string& server : publication.nameServers)
        if (!parseHostPort(server, 53)) reader.problem("nameServers", "must be names or ADDRESS:PORT");
    TRY_VOID(reader.finish());
    return publication;
}

std::vector<std::string> addressesOfType(AddressType type, const std::vector<std::string>& addresses) {
    std::vector<std::string> out;
    for (const std::string& address : addresses)
        if (type == AddressType::a ? isIpv4(address) : isIpv6(address)) out.push_back(address);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

}  // namespace swb
