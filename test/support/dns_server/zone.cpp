#include "zone.h"

#include <fstream>
#include <map>
#include <sstream>

#include "dns/soa.h"

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
    SoaNumbers numbers;
    words >> primary >> mailbox >> numbers.serial >> numbers.refreshSeconds >> numbers.retrySeconds >>
        numbers.expireSeconds >> numbers.minimumSeconds;
    const Name primaryName = TRY(Name::fromText(primary));
    const Name mailboxName = TRY(Name::fromText(mailbox));
    return soaData(primaryName, mailboxName, numbers);
}

// The type that an RRSIG is over: its data's first two octets.
uint16_t coveredType(const Rdata& data) {
    return static_cast<uint16_t>(static_cast<uint8_t>(data[0]) << 8 | static_cast<uint8_t>(data[1]));
}

struct Line {
    std::string owner;
    uint16_t type = 0;
    uint32_t ttlSeconds = 0;
    Rdata data;
};

// False for a line without a record.
Result<bool> readLine(const std::string& text, Line& line) {
    std::istringstream words(text);
    std::string recordClass, typeText, data;
    if (!(words >> line.owner >> line.ttlSeconds >> recordClass >> typeText)) return false;
    std::getline(words >> std::ws, data);
    line.type = TRY(typeFromText(typeText));
    line.data = TRY(line.type == type::soa ? soaFromText(data) : rdataFromText(line.type, data));
    return true;
}

}  // namespace

Result<ZonePointer> loadZone(const std::string& origin, const std::string& path) {
    std::ifstream file(path);
    if (!file) return fail(ErrorCode::NotFound, "cannot read " + path);
    std::map<Key, ZoneRecordSet> sets;
    std::string text;
    for (Line line; std::getline(file, text);) {
        if (!TRY(readLine(text, line))) continue;
        const bool isSignature = line.type == type::rrsig;
        const uint16_t type = isSignature ? coveredType(line.data) : line.type;
        ZoneRecordSet& zoneSet = sets[{line.owner, type}];
        zoneSet.name = TRY(Name::fromText(line.owner));
        zoneSet.set.type = type;
        zoneSet.set.ttlSeconds = line.ttlSeconds;
        (isSignature ? zoneSet.set.signatures : zoneSet.set.records).push_back(line.data);
    }
    std::vector<ZoneRecordSet> list;
    for (auto& [key, set] : sets) list.push_back(std::move(set));
    return ZoneSnapshot::fromSets(TRY(Name::fromText(origin)), std::move(list));
}

Result<void> publishAddress(Server& server, const std::string& name, const std::string& address) {
    const ZonePointer zone = server.zones()->zones().front();
    const IpAddress ip = TRY(IpAddress::fromText(address));
    ZoneEdits edits;
    edits.records.push_back({TRY(Name::fromText(name)), {type::a, 300, {Rdata(ip.wire())}}});
    const ZoneChange change = TRY(zone->draft(edits));
    if (change.isEmpty()) return {};
    return server.publish(TRY(zone->with(change)));
}

}  // namespace swb::test
