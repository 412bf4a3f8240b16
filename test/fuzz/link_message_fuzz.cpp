// decode() takes any bytes; what it accepts, encode() writes in a form that decode() accepts as the same message.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "base/limits.h"
#include "link/message.h"
#include "same_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto message = swb::link::decode(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!message) return 0;
    const std::string once = swb::link::encode(*message);
    const auto again = swb::link::decode(once);
    SWB_ASSERT(again, "a message that was accepted is accepted again");
    const auto first = swb::parseJson(once, swb::limits::linkFrameBytes);
    const auto second = swb::parseJson(swb::link::encode(*again), swb::limits::linkFrameBytes);
    SWB_ASSERT(first && second && swb::fuzz::same(*first, *second), "encoding is stable");
    return 0;
}
