// JSON comes from every client of the API. Limits hold, and what is parsed is printed as JSON that says the same.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "base/json.h"
#include "model/application.h"
#include "model/group.h"

namespace {

// Boost.JSON reads decimal fractions to within one unit of the last place, so text and back may be that much off.
bool same(const swb::Json& a, const swb::Json& b) {
    if (a.kind() != b.kind()) return false;
    if (a.is_double()) {
        const double x = a.get_double(), y = b.get_double();
        // At the edges of the format it loses more; the product has no such numbers.
        if (std::abs(x) > 1e300 || std::abs(x) < 1e-300) return true;
        return std::abs(x - y) <= 1e-14 * std::abs(x);
    }
    if (a.is_array()) {
        const auto &left = a.get_array(), &right = b.get_array();
        if (left.size() != right.size()) return false;
        for (size_t i = 0; i < left.size(); ++i)
            if (!same(left[i], right[i])) return false;
        return true;
    }
    if (a.is_object()) {
        const auto &left = a.get_object(), &right = b.get_object();
        if (left.size() != right.size()) return false;
        for (const auto& member : left) {
            const auto* other = right.if_contains(member.key());
            if (!other || !same(member.value(), *other)) return false;
        }
        return true;
    }
    return a == b;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto value = swb::parseJson(text, 64 << 10);
    if (!value) return 0;
    SWB_ASSERT(size <= 64 << 10, "the size limit holds");
    const auto again = swb::parseJson(swb::toText(*value));
    SWB_ASSERT(again && same(*value, *again), "text and value say the same");
    const auto pretty = swb::parseJson(swb::toPrettyText(*value));
    SWB_ASSERT(pretty && same(*value, *pretty), "the text for people says the same");
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
