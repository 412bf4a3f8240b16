#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/assert.h"

namespace swb::crypto {
namespace {

const char* digestName(HmacHash hash) {
    switch (hash) {
        case HmacHash::sha256:
            return "SHA256";
        case HmacHash::sha384:
            return "SHA384";
        case HmacHash::sha512:
            return "SHA512";
    }
    return "SHA256";
}

struct ReleaseMac {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};

// Looked up once: the look-up costs more than the MAC of a query.
EVP_MAC* hmacMethod() {
    static const std::unique_ptr<EVP_MAC, ReleaseMac> method(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    return method.get();
}

}  // namespace

size_t macBytes(HmacHash hash) {
    return hash == HmacHash::sha256 ? 32 : hash == HmacHash::sha384 ? 48 : 64;
}

void Hmac::Release::operator()(EVP_MAC_CTX* context) const {
    EVP_MAC_CTX_free(context);
}

Hmac::Hmac(HmacHash hash, const Secret& key) : context_(EVP_MAC_CTX_new(hmacMethod())) {
    SWB_ASSERT(context_ != nullptr, "OpenSSL has HMAC");
    SWB_ASSERT(!key.empty(), "a key has octets");
    // OpenSSL takes the name without const, and only reads it.
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digestName(hash)), 0),
        OSSL_PARAM_construct_end()};
    const std::string& octets = key.reveal();
    const int done =
        EVP_MAC_init(context_.get(), reinterpret_cast<const unsigned char*>(octets.data()), octets.size(), parameters);
    SWB_ASSERT(done == 1, "SHA-2 is always available");
}

void Hmac::update(std::span<const uint8_t> bytes) {
    SWB_ASSERT(EVP_MAC_update(context_.get(), bytes.data(), bytes.size()) == 1, "HMAC takes any bytes");
}

Mac Hmac::finish() {
    Mac mac;
    SWB_ASSERT(EVP_MAC_final(context_.get(), mac.bytes.data(), &mac.size, mac.bytes.size()) == 1,
               "HMAC ends with a value");
    return mac;
}

bool equalInConstantTime(std::span<const uint8_t> left, std::span<const uint8_t> right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace swb::crypto
