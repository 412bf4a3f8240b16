#include "mutation.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace swb::fuzz {
namespace {

// Values at the edges of lengths and of signed numbers, and the punctuation of the formats that are parsed here.
constexpr std::array<std::string_view, 24> words = {std::string_view("\0", 1),
                                                    "\xff",
                                                    "\x7f",
                                                    "\x80",
                                                    "\xc0",
                                                    std::string_view("\xff\xff", 2),
                                                    std::string_view("\x00\x00\x00\x00", 4),
                                                    "\xff\xff\xff\xff",
                                                    "{",
                                                    "}",
                                                    "[",
                                                    "]",
                                                    "\"",
                                                    ":",
                                                    ",",
                                                    "\n",
                                                    "\\u0000",
                                                    "-1",
                                                    "9223372036854775808",
                                                    "1e999",
                                                    "&a",
                                                    "*a",
                                                    "../",
                                                    "\xed\xa0\x80"};

void overwrite(std::string& text, size_t at, std::string_view piece) {
    text.replace(at, std::min(piece.size(), text.size() - at), piece);
}

void change(std::string& text, const std::vector<std::string>& others, Random& random) {
    const size_t at = random.below(text.size());
    const size_t length = 1 + random.below(std::min<size_t>(text.size() - at, 32));
    const std::string_view word = words[random.below(words.size())];
    switch (random.below(9)) {
        case 0:
            text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
            break;
        case 1:
            text[at] = static_cast<char>(random.below(256));
            break;
        case 2:
            overwrite(text, at, word);
            break;
        case 3:
            text.insert(at, word);
            break;
        case 4:
            text.erase(at, length);
            break;
        case 5:
            text.resize(at + 1);
            break;
        case 6:
            text.insert(at, text.substr(at, length));
            break;
        case 7: {
            const std::string piece = text.substr(at, length);
            for (size_t copies = 1 + random.below(200); copies > 0; --copies) text.insert(at, piece);
            break;
        }
        default: {
            const std::string& other = others[random.below(others.size())];
            if (other.empty()) break;
            const size_t from = random.below(other.size());
            text.insert(at, other, from, 1 + random.below(other.size() - from));
        }
    }
}

}  // namespace

uint64_t Random::next() {
    // splitmix64
    uint64_t value = state_ += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

size_t Random::below(size_t bound) {
    return bound == 0 ? 0 : static_cast<size_t>(next() % bound);
}

std::string variantOf(const std::string& input, const std::vector<std::string>& others, uint64_t seed) {
    Random random(seed);
    std::string text = input;
    for (size_t changes = 1 + random.below(4); changes > 0; --changes) {
        if (text.empty()) text = words[random.below(words.size())];
        change(text, others, random);
        if (text.size() > variantBytesMax) text.resize(variantBytesMax);
    }
    return text;
}

}  // namespace swb::fuzz
