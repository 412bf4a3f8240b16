// A publication of a failover group: one record set in a zone that another provider serves. Part of the group document.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace swb {

enum class ProviderKind { rfc2136, powerdns, cloudflare, route53 };
enum class AddressType { a, aaaa };

struct Publication {
    std::string name;  // "www.shop.example", lower case, without the final dot
    AddressType type = AddressType::a;
    std::string zone;  // "shop.example": the name is in it
    ProviderKind provider = ProviderKind::rfc2136;
    // rfc2136: ADDRESS:PORT of the primary. Others: the API's URL; empty: the provider's public one.
    std::string endpoint;
    std::string zoneId;      // the provider's own name of the zone; empty: looked up
    std::string credential;  // "secret:NAME" (sealed in the controller) or "file:PATH" (mode 0600)
    int64_t ttl = 0;         // seconds; 0: the group's
    // Who must answer it: NAME, ADDRESS or ADDRESS:PORT. Empty: the zone's NS records, by the configured resolvers.
    std::vector<std::string> nameServers;

    // "www.shop.example/A": unique in a group.
    std::string key() const;
    bool operator==(const Publication&) const = default;
};

std::string_view nameOf(ProviderKind kind);
std::string_view nameOf(AddressType type);  // "A", "AAAA"

Json toJson(const Publication& publication);
// Checks names, limits and references; the error begins with the path.
Result<Publication> publicationFromJson(const Json& value, std::string path = "publication");
// Those of the addresses that are of this type, sorted.
std::vector<std::string> addressesOfType(AddressType type, const std::vector<std::string>& addresses);

}  // namespace swb
