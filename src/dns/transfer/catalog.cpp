#include "dns/transfer/catalog.h"

#include <algorithm>

#include "crypto/digest.h"
#include "dns/serial.h"
#include "dns/soa.h"

namespace swb::dns::transfer {
namespace {

constexpr uint32_t catalogTtlSeconds = 0;  // nobody resolves it; it is only transferred
constexpr size_t labelDigits = 40;

std::string lowerText(const Name& name) {
    std::string text = name.toText();
    for (char& octet : text) octet = static_cast<char>(lowerCase(static_cast<uint8_t>(octet)));
    return text;
}

ZoneRecordSet setOf(Name name, uint16_t type, Rdata record) {
    ZoneRecordSet made;
    made.name = std::move(name);
    made.set.type = type;
    made.set.ttlSeconds = catalogTtlSeconds;
    made.set.records.push_back(std::move(record));
    return made;
}

}  // namespace

std::vector<Name> membersOf(const ZoneSnapshot& catalog) {
    std::vector<Name> members;
    catalog.forEachSet([&](NameView, const RecordSet& set) {
        if (set.type != type::ptr) return;
        for (const Rdata& member : set.records) members.emplace_back(nameInRdata(member));
    });
    std::sort(members.begin(), members.end(),
              [](const Name& left, const Name& right) { return compareCanonically(left, right) < 0; });
    return members;
}

Result<ZonePointer> makeCatalog(const Name& origin, const std::vector<Name>& members, const ZonePointer& previous) {
    std::vector<Name> sorted = members;
    std::sort(sorted.begin(), sorted.end(),
              [](const Name& left, const Name& right) { return compareCanonically(left, right) < 0; });
    if (previous && membersOf(*previous) == sorted) return previous;
    const Name nowhere = TRY(Name::fromText("invalid"));
    SoaNumbers numbers{previous ? nextSerial(previous->serial()) : 1, 3600, 600, 2147483646, 0};
    std::vector<ZoneRecordSet> sets;
    sets.push_back(setOf(origin, type::soa, soaData(nowhere, nowhere, numbers)));
    sets.push_back(setOf(origin, type::ns, Rdata(nowhere.view().wire())));
    const std::string suffix = "." + origin.toText();
    sets.push_back(setOf(TRY(Name::fromText("version" + suffix)), type::txt, TRY(rdataFromText(type::txt, "\"2\""))));
    for (const Name& member : sorted) {
        const std::string label = crypto::sha256Hex(lowerText(member)).substr(0, labelDigits);
        sets.push_back(setOf(TRY(Name::fromText(label + ".zones" + suffix)), type::ptr, Rdata(member.view().wire())));
    }
    return ZoneSnapshot::fromSets(origin, std::move(sets));
}

}  // namespace swb::dns::transfer
