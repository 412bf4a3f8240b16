// Case folding of octets, eight at a time: the inner loop of every look-up.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace swb::dns {

// A-Z to a-z, all other octets unchanged. Length octets are at most 63 and so never change either.
constexpr uint8_t lowerCase(uint8_t octet) {
    return octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;
}

// The same for each octet of the word, whatever their order in it.
constexpr uint64_t lowerCaseWord(uint64_t word) {
    constexpr uint64_t each = 0x0101010101010101;
    const uint64_t low7 = word & each * 0x7f;
    // The top bit of each octet says: at least 'A', and more than 'Z'; no sum carries into the next octet.
    const uint64_t fromA = low7 + each * (0x80 - 'A');
    const uint64_t overZ = low7 + each * (0x80 - 'Z' - 1);
    const uint64_t upper = fromA & ~overZ & ~word & each * 0x80;
    return word | upper >> 2;  // 0x80 becomes 0x20, the distance of the cases
}

inline uint64_t wordAt(const char* octets) {
    uint64_t word;
    std::memcpy(&word, octets, sizeof word);
    return word;
}

inline bool sameWithoutCase(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= left.size(); at += sizeof(uint64_t))
        if (lowerCaseWord(wordAt(left.data() + at)) != lowerCaseWord(wordAt(right.data() + at))) return false;
    if (at > 0) {
        // The rest together with octets that have been compared already.
        const size_t last = left.size() - sizeof(uint64_t);
        return lowerCaseWord(wordAt(left.data() + last)) == lowerCaseWord(wordAt(right.data() + last));
    }
    for (; at < left.size(); ++at)
        if (lowerCase(static_cast<uint8_t>(left[at])) != lowerCase(static_cast<uint8_t>(right[at]))) return false;
    return true;
}

}  // namespace swb::dns
