// Zone files and journal entries as they come back from disk: any octets are refused or become a zone, or a change,
// that is written and read back as the same.
#include <cstdint>

#include "base/assert.h"
#include "dns/zone_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace swb::dns;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    if (const auto zone = decodeZone(octets)) {
        const auto again = decodeZone(encodeZone(**zone));
        SWB_ASSERT(again && sameContents(**zone, **again), "a zone survives its file");
    }
    FrameReader frames(octets, 0);
    while (frames.next() == FrameReader::Step::frame)
        SWB_ASSERT(frames.position() <= size, "a frame lies inside its file");
    if (const auto change = decodeChange(octets)) {
        std::string written;
        encodeChange(*change, written);
        const auto again = decodeChange(written);
        SWB_ASSERT(again && *again == *change, "a change survives its entry");
    }
    return 0;
}
