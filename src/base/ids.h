// Random identifiers and the rules for names that people choose.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace swb {

// prefix + "-" + 12 characters of a-z2-7 from the kernel's random source: "r-4k2vmq7xw3ta".
std::string newId(std::string_view prefix);
// 43 characters of URL-safe base64: 256 random bits.
std::string newSecretToken();
// A uniform number in [0, bound).
uint32_t randomBelow(uint32_t bound);

// Names of sites, servers, applications, groups, databases, processes: 1 to 63 characters of a-z, 0-9 and '-',
// beginning with a letter or digit and not ending with '-' (a DNS label, RFC 1123).
bool isName(std::string_view text);
// The same as a check: `what` is put into the message ("site").
Result<std::string> checkedName(std::string_view what, std::string_view text);

}  // namespace swb
