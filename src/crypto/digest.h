// SHA-256.
#pragma once

#include <string>
#include <string_view>

namespace swb::crypto {

// 64 lower-case hex digits.
std::string sha256Hex(std::string_view bytes);
std::string toHex(std::string_view bytes);

}  // namespace swb::crypto
