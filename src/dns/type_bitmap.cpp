#include "dns/type_bitmap.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace swb::dns {
namespace {

constexpr size_t windowBytesMax = 32;

}  // namespace

std::string typeBitmap(std::vector<uint16_t> types) {
    std::sort(types.begin(), types.end());
    std::string wire;
    for (size_t i = 0; i < types.size();) {
        const int window = types[i] >> 8;
        std::array<uint8_t, windowBytesMax> bits{};
        size_t used = 0;
        for (; i < types.size() && types[i] >> 8 == window; ++i) {
            const size_t octet = (types[i] & 255) / 8u;
            bits[octet] = static_cast<uint8_t>(bits[octet] | 0x80 >> types[i] % 8);
            used = octet + 1;
        }
        wire += {static_cast<char>(window), static_cast<char>(used)};
        wire.append(bits.begin(), bits.begin() + static_cast<ptrdiff_t>(used));
    }
    return wire;
}

std::vector<uint16_t> typesInBitmap(std::string_view wire) {
    std::vector<uint16_t> types;
    for (size_t at = 0; at < wire.size();) {
        const unsigned window = static_cast<uint8_t>(wire[at]);
        const size_t length = static_cast<uint8_t>(wire[at + 1]);
        for (size_t bit = 0; bit < length * 8; ++bit)
            if (static_cast<uint8_t>(wire[at + 2 + bit / 8]) & 0x80u >> bit % 8)
                types.push_back(static_cast<uint16_t>(window << 8 | bit));
        at += 2 + length;
    }
    return types;
}

bool isTypeBitmapWellFormed(std::string_view wire) {
    int last = -1;
    for (size_t at = 0; at < wire.size();) {
        if (wire.size() - at < 3) return false;
        const int window = static_cast<uint8_t>(wire[at]);
        const size_t length = static_cast<uint8_t>(wire[at + 1]);
        if (window <= last || length == 0 || length > windowBytesMax || length > wire.size() - at - 2) return false;
        if (wire[at + 1 + length] == 0) return false;  // blocks end with an octet that says something
        last = window;
        at += 2 + length;
    }
    return true;
}

}  // namespace swb::dns
