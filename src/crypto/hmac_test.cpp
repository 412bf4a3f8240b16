#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace swb::crypto {
namespace {

std::string macOf(HmacHash hash, const std::string& key, std::string_view data) {
    Hmac hmac(hash, Secret(key));
    hmac.update(data.substr(0, data.size() / 2));
    hmac.update(data.substr(data.size() / 2));
    const Mac mac = hmac.finish();
    EXPECT_EQ(mac.size, macBytes(hash));
    return toHex({reinterpret_cast<const char*>(mac.bytes.data()), mac.size});
}

// RFC 4231, test case 2.
TEST(Hmac, PublishedValues) {
    const std::string key = "Jefe";
    const std::string_view data = "what do ya want for nothing?";
    EXPECT_EQ(macOf(HmacHash::sha256, key, data), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(macOf(HmacHash::sha384, key, data),
              "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
    EXPECT_EQ(macOf(HmacHash::sha512, key, data),
              "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
              "caeab1a34d4a6b4b636e070a38bce737");
}

TEST(Hmac, ComparesWholeValues) {
    const std::array<uint8_t, 4> value{1, 2, 3, 4};
    const std::array<uint8_t, 4> other{1, 2, 3, 5};
    EXPECT_TRUE(equalInConstantTime(value, value));
    EXPECT_FALSE(equalInConstantTime(value, other));
    EXPECT_FALSE(equalInConstantTime(value, std::span(value).first(3)));
}

}  // namespace
}  // namespace swb::crypto
