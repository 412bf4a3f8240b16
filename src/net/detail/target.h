// The target of a request line ("/v1/groups/shop?wait=5") taken apart. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace swb::net::detail {

struct Target {
    std::string path;  // decoded, begins with '/'
    std::vector<std::pair<std::string, std::string>> query;
};

// Only the origin form. Refused: broken percent encodings, encoded slashes and control characters in the path, for
// which two readers could see two different paths.
Result<Target> parseTarget(std::string_view target);

}  // namespace swb::net::detail
