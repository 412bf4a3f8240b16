#include "base/ids.h"

#include <sys/random.h>

#include <array>

#include "base/assert.h"

namespace swb {
namespace {

template <size_t N>
std::array<unsigned char, N> randomBytes() {
    std::array<unsigned char, N> bytes{};
    size_t have = 0;
    while (have < N) {
        const ssize_t got = getrandom(bytes.data() + have, N - have, 0);
        SWB_ASSERT(got > 0, "the kernel's random source failed");
        have += static_cast<size_t>(got);
    }
    return bytes;
}

}  // namespace

std::string newId(std::string_view prefix) {
    static constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    std::string id(prefix);
    id += '-';
    for (const unsigned char byte : randomBytes<12>()) id += alphabet[byte & 31];
    return id;
}

std::string newSecretToken() {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string token;
    for (const unsigned char byte : randomBytes<43>()) token += alphabet[byte & 63];
    return token;
}

uint32_t randomBelow(uint32_t bound) {
    SWB_ASSERT(bound > 0, "a random number needs a bound");
    // Rejection keeps the distribution even.
    const uint32_t limit = UINT32_MAX - UINT32_MAX % bound;
    for (;;) {
        const auto bytes = randomBytes<4>();
        const uint32_t value = static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
                               static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
        if (value < limit) return value % bound;
    }
}

bool isName(std::string_view text) {
    if (text.empty() || text.size() > 63) return false;
    for (const char c : text)
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    return text.front() != '-' && text.back() != '-';
}

Result<std::string> checkedName(std::string_view what, std::string_view text) {
    if (isName(text)) return std::string(text);
    return fail(ErrorCode::InvalidInput,
                "'" + std::string(text.substr(0, 80)) + "' is not a valid " + std::string(what) + " name",
                "use 1 to 63 characters of a-z, 0-9 and '-', with no '-' at either end");
}

}  // namespace swb
