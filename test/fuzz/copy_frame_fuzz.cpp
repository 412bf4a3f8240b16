// Frames come from whoever has a certificate of the authority.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "driver/mariadb/physical_copy.h"
#include "driver/support/copy_frame.h"

using namespace swb::driver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto head = parseFrameHead(bytes.substr(0, frameHeadBytes));
    if (head) {
        SWB_ASSERT(head->payloadBytes <= dataFrameBytesMax, "a frame has a limited length");
        SWB_ASSERT(head->type == FrameType::data || head->payloadBytes <= jsonFrameBytesMax, "and JSON a shorter one");
        SWB_ASSERT(frameHead(head->type, head->payloadBytes) == bytes.substr(0, frameHeadBytes),
                   "a head is written as it is read");
    }
    const auto position = mariadb::positionInBackup(bytes);
    SWB_ASSERT(position.size() <= size, "a position is a part of the text");
    SWB_ASSERT(position.find('\n') == std::string::npos, "and one line");
    return 0;
}
