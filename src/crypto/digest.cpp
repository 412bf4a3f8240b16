#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/assert.h"

namespace swb::crypto {

std::string toHex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        out += digits[static_cast<unsigned char>(byte) >> 4];
        out += digits[static_cast<unsigned char>(byte) & 15];
    }
    return out;
}

std::string sha256Hex(std::string_view bytes) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const int done = EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr);
    SWB_ASSERT(done == 1 && length == 32, "SHA-256 is always available");
    return toHex(std::string_view(reinterpret_cast<const char*>(digest), length));
}

}  // namespace swb::crypto
