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

Result<std::vector<ZoneRecordSet>> readSets(const std::string& path) {
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
        ZoneRecordSet& record = sets[{owner, type}];
        record.name = TRY(Name::fromText(owner));
        record.set.type = type;
        record.set.ttlSeconds = ttlSeconds;
        record.set.records.push_back(TRY(type == type::soa ? soaFromText(data) : rdataFromText(type, data)));
    }
    std::vector<ZoneRecordSet> list;
    for (auto& [key, record] : sets) list.push_back(std::move(record));
    return list;
}

}  // namespace

Result<ZonePointer> loadZone(const std::string& origin, const std::string& path) {
    return ZoneSnapshot::fromSets(TRY(Name::fromText(origin)), TRY(readSets(path)));
}

Result<void> publishAddress(Server& server, const std::string& name, const std::string& address) {
    const Name owner = TRY(Name::fromText(name));
    const ZonePointer zone = server.zones()->zones().front();
    const ZoneNode node = zone->nodeOf(owner);
    const RecordSet* present = node ? node.find(type::a) : nullptr;
    if (!present) return fail(ErrorCode::NotFound, name + " has no address");
    ZoneEdits edits;
    edits.records = {{owner, {type::a, present->ttlSeconds, {Rdata(TRY(IpAddress::fromText(address)).wire())}}}};
    return server.publish(TRY(zone->with(TRY(zone->draft(edits)))));
}

}  // namespace swb::test
