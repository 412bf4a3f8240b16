// HMAC (RFC 2104) over pieces, with OpenSSL. The key is a Secret and goes nowhere else.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/secret.h"

namespace swb::crypto {

enum class HmacHash : uint8_t { sha256, sha384, sha512 };

struct Mac {
    std::array<uint8_t, 64> bytes{};
    size_t size = 0;
    std::span<const uint8_t> view() const { return {bytes.data(), size}; }
};

size_t macBytes(HmacHash hash);

class Hmac {
  public:
    // Precondition: the key is not empty.
    Hmac(HmacHash hash, const Secret& key);
    Hmac(Hmac&&) noexcept = default;
    Hmac& operator=(Hmac&&) noexcept = default;

    void update(std::span<const uint8_t> bytes);
    void update(std::string_view bytes) { update({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}); }
    // Ends it: nothing may be added afterwards.
    Mac finish();

  private:
    struct Release {
        void operator()(EVP_MAC_CTX* context) const;
    };
    std::unique_ptr<EVP_MAC_CTX, Release> context_;
};

// Takes the same time wherever the two differ; different lengths are different.
bool equalInConstantTime(std::span<const uint8_t> left, std::span<const uint8_t> right);

}  // namespace swb::crypto
