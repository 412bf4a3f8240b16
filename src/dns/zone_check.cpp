#include "dns/zone_check.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/limits.h"

namespace swb::dns {
namespace {

constexpr size_t setBytesMax = 32768;  // must fit in one TCP answer together with everything else

tl::unexpected<Error> bad(std::string what, std::string hint = {}) {
    return fail(ErrorCode::InvalidInput, std::move(what), std::move(hint));
}

Result<void> checkTtl(const std::string& what, uint32_t ttlSeconds) {
    if (ttlSeconds > ttlMax) return bad("the TTL of " + what + " is over 2147483647 s");
    return {};
}

bool hasDuplicates(std::vector<IpAddress> addresses) {
    std::sort(addresses.begin(), addresses.end());
    return std::adjacent_find(addresses.begin(), addresses.end()) != addresses.end();
}

Result<void> checkAddresses(const std::string& what, const std::vector<IpAddress>& addresses) {
    if (addresses.size() > addressesPerNameMax)
        return bad(what + " has more than " + std::to_string(addressesPerNameMax) + " addresses");
    if (hasDuplicates(addresses)) return bad(what + " has the same address twice");
    for (const IpAddress& address : addresses)
        if (address.isUnspecified()) return bad(what + " has the address " + address.toText() + ", which is none");
    return {};
}

Result<void> checkNumbers(const ZoneDefinition& definition) {
    TRY_VOID(checkTtl("the SOA", definition.soaTtlSeconds));
    TRY_VOID(checkTtl("the name servers", definition.nameServerTtlSeconds));
    if (definition.serial == 0) return bad("the zone's serial is 0");
    if (definition.minimumSeconds > negativeTtlMax)
        return bad("the SOA's minimum is over 300 s", "a new failover address would stay invisible for that long");
    return {};
}

Result<void> checkNameServers(const ZoneDefinition& definition) {
    if (definition.nameServers.empty()) return bad("the zone has no name server");
    if (definition.nameServers.size() > nameServersMax) return bad("the zone has more than 13 name servers");
    std::vector<Name> seen;
    for (const NameServer& server : definition.nameServers) {
        const std::string what = "the name server " + server.name.toText();
        if (std::find(seen.begin(), seen.end(), server.name) != seen.end()) return bad(what + " is named twice");
        seen.push_back(server.name);
        const bool inside = server.name.view().isAtOrBelow(definition.origin);
        if (inside && server.addresses.empty())
            return bad(what + " is inside the zone and has no address", "give the addresses it is reached at");
        if (!inside && !server.addresses.empty()) return bad(what + " is outside the zone; its addresses are not ours");
        TRY_VOID(checkAddresses(what, server.addresses));
    }
    return {};
}

Result<void> checkFailoverAddress(const ZoneDefinition& definition, const FailoverAddress& address) {
    const std::string what = "the failover address " + address.name.toText();
    if (address.group.empty()) return bad(what + " belongs to no group");
    if (address.epoch < 0) return bad(what + " has a negative epoch");
    if (!address.name.view().isAtOrBelow(definition.origin))
        return bad(what + " is not inside the zone " + definition.origin.toText());
    if (address.addresses.empty())
        return bad(what + " would be answered with no address at all",
                   "give the application of group " + address.group + " a web address, or leave the group out");
    TRY_VOID(checkTtl(what, address.ttlSeconds));
    return checkAddresses(what, address.addresses);
}

Result<void> checkFailoverAddresses(const ZoneDefinition& definition) {
    if (definition.addresses.size() > limits::groupsMax)
        return fail(ErrorCode::TooLarge, "the zone has too many groups");
    std::unordered_map<std::string, int64_t> epochs;
    for (const FailoverAddress& address : definition.addresses) {
        TRY_VOID(checkFailoverAddress(definition, address));
        const auto [known, isNew] = epochs.try_emplace(address.group, address.epoch);
        if (!isNew && known->second != address.epoch)
            return bad("the addresses of group " + address.group + " are of different epochs");
    }
    return {};
}

// The data came through rdataFromText or from code; a wrong length would show as a malformed answer.
bool isWellFormed(uint16_t type, const Rdata& data) {
    Rdata copy;
    return readRdata({reinterpret_cast<const uint8_t*>(data.data()), data.size()}, 0, data.size(), type, copy) &&
           copy == data;
}

Result<void> checkRecordSet(const ZoneDefinition& definition, const ZoneRecordSet& set) {
    const std::string what = "the " + typeToText(set.type) + " record of " + set.name.toText();
    if (!set.name.view().isAtOrBelow(definition.origin)) return bad(what + " is not inside the zone");
    if (set.type == type::soa) return bad(what + " cannot be given; the zone makes it");
    const bool meta = set.type == 0 || set.type == type::opt || (set.type >= 128 && set.type <= 255);
    if (meta) return bad(what + " is of a type that only questions have");
    const bool apexOnly = set.type == type::ns || set.type == type::cname;
    if (apexOnly && set.name == definition.origin) return bad(what + " cannot stand at the top of the zone");
    if (set.records.empty() || set.records.size() > recordsPerSetMax)
        return bad(what + " has no data, or more than " + std::to_string(recordsPerSetMax) + " records");
    if (set.type == type::cname && set.records.size() > 1) return bad(what + " has more than one target");
    TRY_VOID(checkTtl(what, set.ttlSeconds));
    size_t bytes = 0;
    std::set<std::string_view> seen;
    for (const Rdata& data : set.records) {
        if (!isWellFormed(set.type, data)) return bad(what + " has malformed data");
        if (!seen.insert(data).second) return bad(what + " has the same data twice");
        bytes += data.size() + headerBytes;
    }
    if (bytes > setBytesMax) return bad(what + " is larger than 32 KiB");
    return {};
}

}  // namespace

Result<void> checkDefinition(const ZoneDefinition& definition) {
    // "*." in front of the longest allowed origin, and hostmaster, must still be names.
    if (definition.origin.view().size() > nameBytesMax - labelBytesMax)
        return bad("the zone's name is longer than 192 octets");
    TRY_VOID(checkNumbers(definition));
    TRY_VOID(checkNameServers(definition));
    TRY_VOID(checkFailoverAddresses(definition));
    if (definition.records.size() > zoneRecordSetsMax)
        return fail(ErrorCode::TooLarge, "the zone has too many records");
    for (const ZoneRecordSet& set : definition.records) TRY_VOID(checkRecordSet(definition, set));
    return {};
}

}  // namespace swb::dns
