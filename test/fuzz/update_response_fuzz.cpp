// A name server's reply to a dynamic update takes any bytes: done, not done or unknown, and done only for NOERROR.
#include <cstdint>

#include "base/assert.h"
#include "dns/message.h"
#include "publication/update.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace swb;
    const uint16_t id = size >= 2 ? static_cast<uint16_t>(data[0] << 8 | data[1]) : 0;
    const auto meaning = publication::readUpdateReply({data, size}, id, "the server");
    if (meaning) {
        const auto reply = dns::parseResponse({data, size});
        SWB_ASSERT(reply && reply->rcode == 0 && (reply->flags & 0x7800) == 5 << 11,
                   "only NOERROR to an update is done");
    } else {
        SWB_ASSERT(!meaning.error().message.empty(), "a failure says why");
    }
    const auto other = publication::readUpdateReply({data, size}, static_cast<uint16_t>(id + 1), "the server");
    SWB_ASSERT(!other && other.error().code == ErrorCode::OutcomeUnknown, "a reply to something else proves nothing");
    return 0;
}
