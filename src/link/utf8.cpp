#include "link/utf8.h"

namespace swb::link {
namespace {

bool isContinuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

// Length of the well-formed sequence (RFC 3629) at `at`; 0: there is none.
size_t sequenceLength(std::string_view text, size_t at) {
    const auto byte = [&](size_t offset) -> unsigned char {
        return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0;
    };
    const unsigned char first = byte(0), second = byte(1);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return isContinuation(second) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned char lowest = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned char highest = first == 0xED ? 0x9F : 0xBF;  // no surrogates
        return second >= lowest && second <= highest && isContinuation(byte(2)) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned char lowest = first == 0xF0 ? 0x90 : 0x80;
        const unsigned char highest = first == 0xF4 ? 0x8F : 0xBF;  // nothing above U+10FFFF
        return second >= lowest && second <= highest && isContinuation(byte(2)) && isContinuation(byte(3)) ? 4 : 0;
    }
    return 0;
}

}  // namespace

void repairUtf8(std::string& text) {
    for (size_t at = 0; at < text.size();) {
        const size_t length = sequenceLength(text, at);
        if (length == 0) text[at] = '?';
        at += length ? length : 1;
    }
}

std::string cutText(std::string_view text, size_t bytesMax) {
    if (text.size() <= bytesMax) return std::string(text);
    size_t end = bytesMax;
    while (end > 0 && isContinuation(static_cast<unsigned char>(text[end]))) --end;
    return std::string(text.substr(0, end));
}

}  // namespace swb::link
