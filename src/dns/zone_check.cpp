#include "dns/zone_check.h"

#include <algorithm>
#include <unordered_map>

#include "base/limits.h"
#include "dns/epoch_mark.h"

namespace swb::dns {
namespace {

constexpr size_t groupNameMax = 200;   // the mark is one character-string
constexpr size_t setBytesMax = 32768;  // must fit in one TCP answer together with everything else

tl::unexpected<Error> bad(std::string what, std::string hint = {}) {
    return fail(ErrorCode::InvalidInput, std::move(what), std::move(hint));
}

std::string setName(NameView name, uint16_t type) {
    return "the " + typeToText(type) + " record of " + name.toText();
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

}  // namespace

Result<void> checkFailoverAddress(NameView origin, const FailoverAddress& address) {
    const std::string what = "the failover address " + address.name.toText();
    if (address.group.empty()) return bad(what + " belongs to no group");
    if (address.epoch < 0) return bad(what + " has a negative epoch");
    if (!address.name.view().isAtOrBelow(origin)) return bad(what + " is not inside the zone " + origin.toText());
    NameBuffer markName;
    if (!epochMarkName(address.name, markName)) return bad(what + " is longer than 240 octets");
    if (isEpochMarkName(address.name) || (!address.name.view().isRoot() && address.name.view().firstLabel() == "*"))
        return bad(what + " begins with a label that has a meaning of its own");
    if (address.group.size() > groupNameMax || address.group.find_first_of(" \"\\") != std::string::npos)
        return bad(what + " belongs to a group whose name is too long or has a space or quote");
    if (address.addresses.empty())
        return bad(what + " would be answered with no address at all",
                   "give the application of group " + address.group + " a web address, or leave the group out");
    TRY_VOID(checkTtl(what, address.ttlSeconds));
    return checkAddresses(what, address.addresses);
}

namespace {

Result<void> checkFailoverAddresses(const ZoneDefinition& definition) {
    if (definition.addresses.size() > limits::groupsMax)
        return fail(ErrorCode::TooLarge, "the zone has too many groups");
    std::unordered_map<std::string, int64_t> epochs;
    for (const FailoverAddress& address : definition.addresses) {
        TRY_VOID(checkFailoverAddress(definition.origin, address));
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

bool isMetaType(uint16_t type) {
    return type == 0 || type == type::opt || (type >= 128 && type <= 255);
}

}  // namespace

Result<void> checkStaticSet(NameView origin, const ZoneRecordSet& record) {
    const uint16_t type = record.set.type;
    const std::string what = setName(record.name, type);
    if (type == type::soa) return bad(what + " cannot be given; the zone makes it");
    const bool neverAtApex = type == type::ns || type == type::cname || type == type::ds;
    if (neverAtApex && record.name.view() == origin) return bad(what + " cannot stand at the top of the zone");
    if (isSignerType(type)) return bad(what + " cannot be given; the zone's signer makes it");
    if (type == type::dname)
        return bad(what + " cannot be served", "write the names below it one by one, or as CNAME records");
    if (isEpochMarkName(record.name))
        return bad(what + " cannot be given", "names that begin with _swingbridge hold the groups' epochs");
    return checkRecordSet(origin, record.name, record.set);
}

Result<void> checkDefinition(const ZoneDefinition& definition) {
    // "*." in front of the longest allowed origin, and hostmaster, must still be names.
    if (definition.origin.view().size() > nameBytesMax - labelBytesMax)
        return bad("the zone's name is longer than 192 octets");
    TRY_VOID(checkNumbers(definition));
    TRY_VOID(checkNameServers(definition));
    TRY_VOID(checkFailoverAddresses(definition));
    if (definition.records.size() > zoneRecordSetsMax)
        return fail(ErrorCode::TooLarge, "the zone has too many records");
    for (const ZoneRecordSet& record : definition.records) TRY_VOID(checkStaticSet(definition.origin, record));
    return {};
}

Result<void> checkRecordSet(NameView origin, NameView name, const RecordSet& set) {
    if (!name.isAtOrBelow(origin)) return bad(setName(name, set.type) + " is not inside the zone");
    if (isMetaType(set.type)) return bad(setName(name, set.type) + " is of a type that only questions have");
    if (set.records.empty() || set.records.size() > recordsPerSetMax)
        return bad(setName(name, set.type) + " has no data, or more than " + std::to_string(recordsPerSetMax) +
                   " records");
    const bool single = set.type == type::cname || set.type == type::soa || set.type == type::nsec;
    if (single && set.records.size() > 1) return bad(setName(name, set.type) + " has more than one record");
    if (set.ttlSeconds > ttlMax) return bad("the TTL of " + setName(name, set.type) + " is over 2147483647 s");
    size_t bytes = 0;
    for (size_t i = 0; i < set.records.size(); ++i) {
        const Rdata& data = set.records[i];
        if (!isWellFormed(set.type, data)) return bad(setName(name, set.type) + " has malformed data");
        if (std::find(set.records.begin(), set.records.begin() + static_cast<ptrdiff_t>(i), data) !=
            set.records.begin() + static_cast<ptrdiff_t>(i))
            return bad(setName(name, set.type) + " has the same data twice");
        bytes += data.size() + headerBytes;
    }
    for (const Rdata& data : set.signatures) {
        if (!isWellFormed(type::rrsig, data)) return bad(setName(name, set.type) + " has a malformed signature");
        bytes += data.size() + headerBytes;
    }
    if (bytes > setBytesMax) return bad(setName(name, set.type) + " is larger than 32 KiB");
    return {};
}

Result<void> checkNodeSets(NameView name, const std::vector<RecordSet>& sets) {
    bool hasAlias = false;
    size_t others = 0;
    for (size_t i = 0; i < sets.size(); ++i) {
        const uint16_t type = sets[i].type;
        if (i > 0 && sets[i - 1].type == type)
            return bad("the zone has two record sets of type " + typeToText(type) + " for " + name.toText(),
                       "a failover address, a name server or a static record must give way");
        if (type == type::cname)
            hasAlias = true;
        else if (type != type::nsec)  // RFC 4035 §2.5
            ++others;
    }
    if (hasAlias && others > 0)
        return bad(name.toText() + " has a CNAME and other records", "a CNAME must be the only record of its name");
    return {};
}

}  // namespace swb::dns
