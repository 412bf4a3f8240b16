#include "driver/postgresql/crc32c.h"

#include <array>

namespace swb::driver::postgresql {

namespace {

constexpr uint32_t reflectedPolynomial = 0x82F63B78;

constexpr std::array<uint32_t, 256> makeTable() {
    std::array<uint32_t, 256> table{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ reflectedPolynomial : crc >> 1;
        table[byte] = crc;
    }
    return table;
}

constexpr auto table = makeTable();

}  // namespace

uint32_t crc32cAdd(uint32_t crc, std::string_view bytes) {
    for (const char byte : bytes) crc = table[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ crc >> 8;
    return crc;
}

}  // namespace swb::driver::postgresql
