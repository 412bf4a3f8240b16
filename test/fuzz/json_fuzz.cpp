// JSON comes from every client of the API. Limits hold, and what is parsed is printed as JSON that says the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/json.h"
#include "model/application.h"
#include "model/group.h"
#include "same_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto value = swb::parseJson(text, 64 << 10);
    if (!value) return 0;
    SWB_ASSERT(size <= 64 << 10, "the size limit holds");
    const auto again = swb::parseJson(swb::toText(*value));
    SWB_ASSERT(again && swb::fuzz::same(*value, *again), "text and value say the same");
    const auto pretty = swb::parseJson(swb::toPrettyText(*value));
    SWB_ASSERT(pretty && swb::fuzz::same(*value, *pretty), "the text for people says the same");
    if (const auto application = swb::applicationFromJson(*value)) {
        const auto stored = swb::applicationFromJson(swb::applicationToJson(*application));
        SWB_ASSERT(stored.has_value(), "what was accepted is accepted again");
    }
    (void)swb::siteFromJson(*value);
    (void)swb::serverFromJson(*value);
    (void)swb::joinTokenFromJson(*value);
    (void)swb::apiTokenFromJson(*value);
    (void)swb::groupFromJson(*value);
    (void)swb::linkFromJson(*value);
    return 0;
}
