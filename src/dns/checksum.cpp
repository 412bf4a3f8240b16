#include "dns/checksum.h"

#include <array>

#include "dns/case_fold.h"

namespace swb::dns {
namespace {

constexpr uint32_t polynomial = 0x82f63b78;  // bit-reversed

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// Table k is for an octet that k others follow: eight octets take eight independent look-ups.
constexpr Tables makeTables() {
    Tables tables{};
    for (uint32_t octet = 0; octet < 256; ++octet) {
        uint32_t value = octet;
        for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? polynomial : 0);
        tables[0][octet] = value;
    }
    for (size_t k = 1; k < tables.size(); ++k)
        for (size_t octet = 0; octet < 256; ++octet)
            tables[k][octet] = tables[k - 1][octet] >> 8 ^ tables[0][tables[k - 1][octet] & 255];
    return tables;
}

constexpr Tables tables = makeTables();

}  // namespace

uint32_t checksumOf(std::string_view octets) {
    uint32_t value = 0xffffffff;
    size_t at = 0;
    for (; at + 8 <= octets.size(); at += 8) {
        const uint64_t word = wordAt(octets.data() + at) ^ value;  // little-endian, like the reversed polynomial
        value = 0;
        for (size_t k = 0; k < 8; ++k) value ^= tables[7 - k][word >> (8 * k) & 255];
    }
    for (; at < octets.size(); ++at) value = value >> 8 ^ tables[0][(value ^ static_cast<uint8_t>(octets[at])) & 255];
    return ~value;
}

}  // namespace swb::dns
