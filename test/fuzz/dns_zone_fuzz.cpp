// The zone file: any text is refused or becomes a zone that is written and read back as the same zone.
#include <cstdint>

#include "base/assert.h"
#include "dns/snapshot_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto zone = swb::dns::zoneFromFileText({reinterpret_cast<const char*>(data), size});
    if (!zone) return 0;
    const auto again = swb::dns::zoneFromFileText(swb::dns::zoneFileText(**zone));
    SWB_ASSERT(again, "a zone that was accepted is accepted again");
    SWB_ASSERT((*again)->definition() == (*zone)->definition(), "a zone survives its file");
    SWB_ASSERT(swb::dns::checkSuccessor(**zone, **again), "a zone may take its own place");
    return 0;
}
