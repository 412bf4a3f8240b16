#include "crypto/token.h"

#include <sodium.h>

#include "base/assert.h"
#include "crypto/digest.h"

namespace swb::crypto {
namespace {

// The key separates these hashes from every other use of BLAKE2b; it is no secret. Changing it invalidates all tokens.
constexpr std::string_view purpose = "swingbridge token hash, format 1";

}  // namespace

std::string hashToken(const Secret& token) {
    unsigned char digest[crypto_generichash_BYTES];
    const std::string& text = token.reveal();
    const int code =
        crypto_generichash(digest, sizeof digest, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                           reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size());
    SWB_ASSERT(code == 0, "the sizes are constants that BLAKE2b permits");
    return toHex(std::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
}

bool equalInConstantTime(std::string_view left, std::string_view right) {
    // The lengths are no secret: both sides are hashes.
    return left.size() == right.size() && sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool tokenMatches(const Secret& token, std::string_view storedHash) {
    return equalInConstantTime(hashToken(token), storedHash);
}

}  // namespace swb::crypto
