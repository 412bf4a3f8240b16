// The zone file somebody imports: any text is refused with a place, or becomes records that are written and read back
// as the same, and that a zone can be built from or is refused for.
#include <cstdint>

#include "base/assert.h"
#include "dns/zone.h"
#include "dns/zone_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace swb::dns;
    static const Name origin = *Name::fromText("fo.example");
    const auto file = readMasterFile({reinterpret_cast<const char*>(data), size}, origin);
    if (!file) return 0;
    const auto again = readMasterFile(masterFileText(file->records), origin);
    SWB_ASSERT(again, "what was accepted is accepted again");
    SWB_ASSERT(again->records == file->records, "records survive their text");
    ZoneDefinition definition;
    definition.origin = origin;
    definition.nameServers = {{*Name::fromText("ns.example"), {}}};
    definition.records = file->records;
    const auto zone = ZoneSnapshot::build(std::move(definition));
    if (!zone) return 0;
    ZoneEdits same;
    same.records = file->records;
    const auto change = (*zone)->draft(same);
    SWB_ASSERT(change && change->isEmpty(), "the same records again change nothing");
    return 0;
}
