// CRC-32C (Castagnoli): notices torn and rotten bytes on disk. No protection against intent.
#pragma once

#include <cstdint>
#include <string_view>

namespace swb::dns {

uint32_t checksumOf(std::string_view octets);

}  // namespace swb::dns
