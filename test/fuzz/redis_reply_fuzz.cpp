// Replies come from whatever answers at a peer's address.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "driver/redis/resp.h"

using namespace swb::driver::redis;

namespace {

size_t elementsOf(const Reply& reply) {
    size_t count = 1;
    for (const auto& element : reply.list) count += elementsOf(element);
    return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto parsed = parseReply(bytes);
    if (!parsed || !*parsed) return 0;
    SWB_ASSERT((*parsed)->bytes <= size, "no more is taken than there is");
    SWB_ASSERT(elementsOf((*parsed)->reply) <= replyElementsMax, "a reply has a limited number of elements");
    // The same bytes alone are the same reply; one fewer are none.
    const auto again = parseReply(bytes.substr(0, (*parsed)->bytes));
    SWB_ASSERT(again && *again && (*again)->bytes == (*parsed)->bytes, "a reply does not depend on what follows it");
    const auto part = parseReply(bytes.substr(0, (*parsed)->bytes - 1));
    SWB_ASSERT(part && !*part, "a part of a reply asks for more");
    return 0;
}
