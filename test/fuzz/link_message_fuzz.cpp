// decode() takes any bytes; what it accepts, encode() writes in a form that decode() accepts as the same message.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "link/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto message = swb::link::decode(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!message) return 0;
    const std::string once = swb::link::encode(*message);
    const auto again = swb::link::decode(once);
    SWB_ASSERT(again, "a message that was accepted is accepted again");
    SWB_ASSERT(swb::link::encode(*again) == once, "encoding is stable");
    return 0;
}
