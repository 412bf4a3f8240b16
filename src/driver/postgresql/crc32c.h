// CRC-32C (Castagnoli), which protects pg_control and every WAL record.
#pragma once

#include <cstdint>
#include <string_view>

namespace swb::driver::postgresql {

// Begin with crc32cStart, feed pieces, end with crc32cFinish.
constexpr uint32_t crc32cStart = 0xFFFFFFFF;
uint32_t crc32cAdd(uint32_t crc, std::string_view bytes);
constexpr uint32_t crc32cFinish(uint32_t crc) {
    return crc ^ 0xFFFFFFFF;
}

}  // namespace swb::driver::postgresql
