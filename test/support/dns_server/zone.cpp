#include "zone.h"

#include <fstream>
#include <map>
#include <sstream>

namespace swb::test {
namespace {

using namespace dns;

struct Key {
    std::string owner;
    uint16_t type;
    auto operator<=>(const Key&) const = default;
};

Result<Rdata> soaFromText(const std::string& text) {
    std::istringstream words(text);
    std::string primary, mailbox;
    words >> primary >> mailbox;
    const Name primaryName = TRY(Name::fromText(primary));
    const Name mailboxName = TRY(Name::fromText(mailbox));
    Rdata data(primaryName.view().wire());
    data += mailboxName.view().wire();
    for (uint32_t number = 0; words >> number;)
        for (int shift = 24; shift >= 0; shift -= 8) data += static_cast<char>(number >> shift);
    return data;
}

Result<std::map<Key, ZoneRecordSet>> readSets(const std::string& path) {
    std::ifstream file(path);
    if (!file) return fail(ErrorCode::NotFound, "cannot read " + path);
    std::map<Key, ZoneRecordSet> sets;
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string owner, recordClass, typeText, data;
        uint32_t ttlSeconds = 0;
        if (!(words >> owner >> ttlSeconds >> recordClass >> typeText)) continue;
        std::getline(words >> std::ws, data);
        const uint16_t type = TRY(typeFromText(typeText));
        const Name name = TRY(Name::fromText(owner));
        ZoneRecordSet& zoneSet = sets[{owner, type}];
        zoneSet.name = name;
        zoneSet.type = type;
        zoneSet.ttlSeconds = ttlSeconds;
        zoneSet.records.push_back(TRY(type == type::soa ? soaFromText(data) : rdataFromText(type, data)));
    }
    return sets;
}

std::vector<IpAddress> addressesIn(const std::map<Key, ZoneRecordSet>& sets, const std::string& owner) {
    std::vector<IpAddress> addresses;
    for (const uint16_t type : {type::a, type::aaaa})
        if (const auto found = sets.find({owner, type}); found != sets.end())
            for (const Rdata& data : found->second.records)
                if (auto address = IpAddress::fromText(rdataToText(type, data))) addresses.push_back(*address);
    return addresses;
}

void readSoa(const ZoneRecordSet& soa, ZoneDefinition& zone) {
    const Rdata& data = soa.records.front();
    WireReader reader({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    reader.plainName();
    zone.mailbox = Name(reader.plainName());
    zone.soaTtlSeconds = soa.ttlSeconds;
    for (uint32_t* number :
         {&zone.serial, &zone.refreshSeconds, &zone.retrySeconds, &zone.expireSeconds, &zone.minimumSeconds})
        *number = reader.u32();
}

}  // namespace

Result<ZonePointer> loadZone(const std::string& origin, const std::string& path) {
    auto sets = TRY(readSets(path));
    const std::string apex = Name(TRY(Name::fromText(origin))).toText();
    ZoneDefinition zone;
    zone.origin = TRY(Name::fromText(origin));
    const auto soa = sets.find({apex, type::soa});
    const auto servers = sets.find({apex, type::ns});
    if (soa == sets.end() || servers == sets.end()) return fail(ErrorCode::InvalidInput, path + " has no SOA or NS");
    readSoa(soa->second, zone);
    zone.nameServerTtlSeconds = servers->second.ttlSeconds;
    for (const Rdata& data : std::vector<Rdata>(servers->second.records)) {
        const Name name(nameInRdata(data));
        zone.nameServers.push_back({name, addressesIn(sets, name.toText())});
        for (const uint16_t type : {type::a, type::aaaa}) sets.erase({name.toText(), type});
    }
    sets.erase({apex, type::soa});
    sets.erase({apex, type::ns});
    for (auto& [key, set] : sets) zone.records.push_back(std::move(set));
    return ZoneSnapshot::build(std::move(zone));
}

Result<void> publishAddress(Server& server, const std::string& name, const std::string& address) {
    ZoneDefinition zone = server.zone()->definition();
    const Name owner = TRY(Name::fromText(name));
    const IpAddress ip = TRY(IpAddress::fromText(address));
    for (ZoneRecordSet& set : zone.records)
        if (set.name == owner && set.type == type::a) set.records = {Rdata(ip.wire())};
    zone.serial = nextSerial(zone.serial);
    return server.publish(TRY(ZoneSnapshot::build(std::move(zone))));
}

}  // namespace swb::test
