// The set of types in NSEC and CSYNC data (RFC 4034 §4.1.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace swb::dns {

std::string typeBitmap(std::vector<uint16_t> types);
// Ascending. Precondition: well-formed.
std::vector<uint16_t> typesInBitmap(std::string_view wire);
bool isTypeBitmapWellFormed(std::string_view wire);

}  // namespace swb::dns
