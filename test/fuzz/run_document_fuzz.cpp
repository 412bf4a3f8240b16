// Stored runs are read back after a restart, perhaps from a backup or by a newer version: nothing in one may end the
// controller, and what is accepted is written again as it was.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "run/run.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto value = swb::parseJson({reinterpret_cast<const char*>(data), size}, 256 << 10);
    if (!value) return 0;
    const auto run = swb::run::fromStored(*value);
    if (!run) return 0;
    const swb::Json stored = swb::run::toStored(*run);
    const auto again = swb::run::fromStored(stored);
    SWB_ASSERT(again.has_value(), "what was accepted is accepted again");
    SWB_ASSERT(swb::run::toStored(*again) == stored, "and means the same");
    (void)swb::run::toPublic(*run);
    return 0;
}
