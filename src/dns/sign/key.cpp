#include "dns/sign/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/assert.h"
#include "dns/sign/canonical.h"

namespace swb::dns::sign {
namespace {

constexpr uint16_t zoneKeyFlag = 0x0100;
constexpr uint16_t secureEntryPointFlag = 0x0001;
constexpr uint8_t dnskeyProtocol = 3;  // RFC 4034 §2.1.2: always
constexpr size_t dnskeyHeadBytes = 4;
constexpr size_t halfBytes = 32;  // of an ECDSA signature (r, s) and of a point (x, y); a whole Ed25519 key
constexpr size_t derSignatureMax = 80;

template <auto release>
struct Release {
    template <typename T>
    void operator()(T* object) const {
        release(object);
    }
};
using PairContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;
using Pair = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Release<BN_clear_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Release<ECDSA_SIG_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Release<OSSL_PARAM_BLD_free>>;
using Group = std::unique_ptr<EC_GROUP, Release<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Release<EC_POINT_free>>;

tl::unexpected<Error> cryptoFailed(std::string_view what) {
    std::string message = "a DNSSEC key: " + std::string(what) + " failed";
    if (const char* reason = ERR_reason_error_string(ERR_get_error())) message += std::string(": ") + reason;
    ERR_clear_error();
    return fail(ErrorCode::Bug, std::move(message));
}

const unsigned char* octetsOf(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// ECDSA signs the SHA-256 of the octets; Ed25519 takes them as they are.
const EVP_MD* digestFor(Algorithm algorithm) {
    return algorithm == Algorithm::ecdsaP256Sha256 ? EVP_sha256() : nullptr;
}

Result<std::string> publicOctets(Algorithm algorithm, EVP_PKEY* pair) {
    std::string octets(1 + 2 * halfBytes, '\0');
    size_t length = octets.size();
    auto* out = reinterpret_cast<unsigned char*>(octets.data());
    if (algorithm == Algorithm::ed25519) {
        if (EVP_PKEY_get_raw_public_key(pair, out, &length) != 1) return cryptoFailed("reading the public half");
        octets.resize(length);
        return octets;
    }
    if (EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, out, octets.size(), &length) != 1)
        return cryptoFailed("reading the public half");
    SWB_ASSERT(length == octets.size() && octets[0] == 4, "OpenSSL writes points uncompressed unless told otherwise");
    return octets.substr(1);
}

// precondition: point is the uncompressed form, with its leading 4; number may be null for a public key alone.
Result<Pair> ecPair(const BIGNUM* number, std::string_view point) {
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    bool ok = builder &&
              OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
              OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1;
    if (ok && number) ok = OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
    const Parameters parameters(ok ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr);
    const PairContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* made = nullptr;
    const int selection = number ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, selection, parameters.get()) != 1)
        return cryptoFailed("reading an ECDSA key");
    return Pair(made);
}

// The stored form is the number alone; the point follows from it.
Result<Pair> ecPairFromPrivate(std::string_view privateHalf) {
    const Number number(BN_secure_new());
    const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    const Point point(group ? EC_POINT_new(group.get()) : nullptr);
    unsigned char octets[1 + 2 * halfBytes];
    if (!number || !point || !BN_bin2bn(octetsOf(privateHalf), halfBytes, number.get()) || BN_is_zero(number.get()) ||
        BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0 ||
        EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1 ||
        EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets, nullptr) !=
            sizeof octets)
        return cryptoFailed("reading an ECDSA key");
    return ecPair(number.get(), std::string_view(reinterpret_cast<const char*>(octets), sizeof octets));
}

Result<std::string> fromDer(std::string_view der) {
    const unsigned char* at = octetsOf(der);
    const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string octets(signatureBytes, '\0');
    auto* out = reinterpret_cast<unsigned char*>(octets.data());
    if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, halfBytes) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + halfBytes, halfBytes) < 0)
        return cryptoFailed("reading a signature");
    return octets;
}

std::string toDer(std::string_view octets) {
    const EcdsaSignature signature(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(octetsOf(octets), halfBytes, nullptr);
    BIGNUM* s = BN_bin2bn(octetsOf(octets) + halfBytes, halfBytes, nullptr);
    const int taken = ECDSA_SIG_set0(signature.get(), r, s);
    SWB_ASSERT(taken == 1, "two numbers make a signature");
    unsigned char* der = nullptr;
    const int length = i2d_ECDSA_SIG(signature.get(), &der);
    SWB_ASSERT(length > 0, "a signature can be written");
    std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(length));
    OPENSSL_free(der);
    return text;
}

Result<Pair> publicPair(Algorithm algorithm, std::string_view octets) {
    if (algorithm == Algorithm::ed25519) {
        if (octets.size() != halfBytes) return cryptoFailed("reading an Ed25519 key");
        return Pair(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octetsOf(octets), octets.size()));
    }
    if (octets.size() != 2 * halfBytes) return cryptoFailed("reading an ECDSA key");
    return ecPair(nullptr, '\4' + std::string(octets));
}

}  // namespace

Result<Algorithm> algorithmFromNumber(int64_t number) {
    if (number == 13) return Algorithm::ecdsaP256Sha256;
    if (number == 15) return Algorithm::ed25519;
    return fail(ErrorCode::InvalidInput, "DNSSEC algorithm " + std::to_string(number) + " is not offered",
                "use 13 (ECDSA P-256) or 15 (Ed25519)");
}

std::string_view nameOf(Algorithm algorithm) {
    return algorithm == Algorithm::ed25519 ? "ED25519" : "ECDSAP256SHA256";
}

std::string_view nameOf(KeyRole role) {
    switch (role) {
        case KeyRole::ksk:
            return "ksk";
        case KeyRole::zsk:
            return "zsk";
        case KeyRole::csk:
            break;
    }
    return "csk";
}

Result<KeyRole> keyRoleFromText(std::string_view text) {
    for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk, KeyRole::csk})
        if (nameOf(role) == text) return role;
    return fail(ErrorCode::InvalidInput, "\"" + std::string(text.substr(0, 20)) + "\" is not the role of a key",
                "use ksk, zsk or csk");
}

Result<SigningKey> SigningKey::generate(Algorithm algorithm, KeyRole role) {
    Pair pair(algorithm == Algorithm::ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                              : EVP_EC_gen("prime256v1"));
    if (!pair) return cryptoFailed("making one");
    return fromPair(algorithm, role, pair.release());
}

Result<SigningKey> SigningKey::fromStored(Algorithm algorithm, KeyRole role, const Secret& privateHalf) {
    const std::string& octets = privateHalf.reveal();
    if (octets.size() != halfBytes)
        return fail(ErrorCode::StorageFailed, "a stored DNSSEC key has " + std::to_string(octets.size()) + " octets");
    if (algorithm == Algorithm::ecdsaP256Sha256)
        return fromPair(algorithm, role, TRY(ecPairFromPrivate(octets)).release());
    Pair pair(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, octetsOf(octets), octets.size()));
    if (!pair) return cryptoFailed("reading an Ed25519 key");
    return fromPair(algorithm, role, pair.release());
}

Result<SigningKey> SigningKey::fromPair(Algorithm algorithm, KeyRole role, evp_pkey_st* pair) {
    SigningKey key;
    key.algorithm_ = algorithm;
    key.role_ = role;
    key.pair_.reset(pair, EVP_PKEY_free);
    const uint16_t flags = zoneKeyFlag | (signsKeys(role) ? secureEntryPointFlag : 0);
    appendU16(key.dnskey_, flags);
    key.dnskey_ += static_cast<char>(dnskeyProtocol);
    key.dnskey_ += static_cast<char>(algorithm);
    key.dnskey_ += TRY(publicOctets(algorithm, pair));
    key.tag_ = keyTag(key.dnskey_);
    key.prepared_.reset(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (!key.prepared_ || EVP_DigestSignInit(key.prepared_.get(), nullptr, digestFor(algorithm), nullptr, pair) != 1)
        return cryptoFailed("preparing to sign");
    return key;
}

Result<Secret> SigningKey::privateHalf() const {
    std::string octets(halfBytes, '\0');
    auto* out = reinterpret_cast<unsigned char*>(octets.data());
    if (algorithm_ == Algorithm::ed25519) {
        size_t length = octets.size();
        if (EVP_PKEY_get_raw_private_key(pair_.get(), out, &length) != 1)
            return cryptoFailed("reading the private half");
        return Secret(std::move(octets));
    }
    BIGNUM* raw = nullptr;
    if (EVP_PKEY_get_bn_param(pair_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &raw) != 1)
        return cryptoFailed("reading the private half");
    const Number number(raw);
    if (BN_bn2binpad(number.get(), out, halfBytes) != halfBytes) return cryptoFailed("reading the private half");
    return Secret(std::move(octets));
}

Result<std::string> SigningKey::sign(std::string_view octets) const {
    const DigestContext context(EVP_MD_CTX_new());
    if (!context || EVP_MD_CTX_copy_ex(context.get(), prepared_.get()) != 1) return cryptoFailed("preparing to sign");
    std::string signature(derSignatureMax, '\0');
    size_t length = signature.size();
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, octetsOf(octets),
                       octets.size()) != 1)
        return cryptoFailed("signing");
    signature.resize(length);
    return algorithm_ == Algorithm::ed25519 ? signature : fromDer(signature);
}

uint16_t keyTag(const Rdata& dnskey) {
    uint32_t sum = 0;
    for (size_t i = 0; i < dnskey.size(); ++i) {
        const auto octet = static_cast<uint8_t>(dnskey[i]);
        sum += i % 2 == 0 ? static_cast<uint32_t>(octet) << 8 : octet;
    }
    return static_cast<uint16_t>(sum + (sum >> 16));
}

Rdata dsOf(NameView owner, const Rdata& dnskey, DigestType digest) {
    SWB_ASSERT(dnskey.size() > dnskeyHeadBytes, "DNSKEY data has a key");
    std::string content = lowerCaseName(owner);
    content += dnskey;
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const int done = EVP_Digest(content.data(), content.size(), out, &length,
                                digest == DigestType::sha384 ? EVP_sha384() : EVP_sha256(), nullptr);
    SWB_ASSERT(done == 1, "SHA-2 is always available");
    Rdata ds;
    appendU16(ds, keyTag(dnskey));
    ds += dnskey[3];
    ds += static_cast<char>(digest);
    ds.append(reinterpret_cast<const char*>(out), length);
    return ds;
}

std::string dsToText(const Rdata& ds) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr size_t headBytes = 4;
    SWB_ASSERT(ds.size() >= headBytes, "DS data has its four first octets");
    std::string text = std::to_string(readU16(ds, 0)) + ' ' + std::to_string(static_cast<uint8_t>(ds[2])) + ' ' +
                       std::to_string(static_cast<uint8_t>(ds[3])) + ' ';
    for (const char character : std::string_view(ds).substr(headBytes)) {
        const auto octet = static_cast<uint8_t>(character);
        text += digits[octet >> 4];
        text += digits[octet & 15];
    }
    return text;
}

bool verify(const Rdata& dnskey, std::string_view octets, std::string_view signature) {
    if (dnskey.size() <= dnskeyHeadBytes || signature.size() != signatureBytes) return false;
    const auto algorithm = algorithmFromNumber(static_cast<uint8_t>(dnskey[3]));
    if (!algorithm) return false;
    const auto pair = publicPair(*algorithm, std::string_view(dnskey).substr(dnskeyHeadBytes));
    if (!pair || !*pair) return false;
    const DigestContext context(EVP_MD_CTX_new());
    const std::string raw = *algorithm == Algorithm::ed25519 ? std::string(signature) : toDer(signature);
    const bool good = context &&
                      EVP_DigestVerifyInit(context.get(), nullptr, digestFor(*algorithm), nullptr, pair->get()) == 1 &&
                      EVP_DigestVerify(context.get(), octetsOf(raw), raw.size(), octetsOf(octets), octets.size()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace swb::dns::sign
