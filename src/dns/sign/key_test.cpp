#include "dns/sign/key.h"

#include "dns/sign/canonical.h"
#include "dns/sign/sign_test_support.h"

namespace swb::dns::sign {
namespace {

using test::fromBase64;
using test::fromHex;
using test::name;
using test::valueOf;

// RFC 6605 §6.1.
constexpr std::string_view p256Private = "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=";
constexpr std::string_view p256Public =
    "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
constexpr std::string_view p256Signature =
    "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==";
constexpr std::string_view p256Digest = "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17";
// RFC 8080 §6.1, first example.
constexpr std::string_view edPrivate = "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=";
constexpr std::string_view edPublic = "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";
constexpr std::string_view edSignature =
    "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==";
constexpr std::string_view edDigest = "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b";

// RRSIG data of the examples without the signature.
Rdata head(uint16_t type, Algorithm algorithm, uint8_t labels, uint32_t expiration, uint32_t inception, uint16_t tag,
           const Name& signer) {
    Rdata data;
    appendU16(data, type);
    data += static_cast<char>(algorithm);
    data += static_cast<char>(labels);
    appendU32(data, 3600);
    appendU32(data, expiration);
    appendU32(data, inception);
    appendU16(data, tag);
    return data + lowerCaseName(signer);
}

TEST(DnssecKey, EcdsaExampleOfRfc6605) {
    const auto key =
        valueOf(SigningKey::fromStored(Algorithm::ecdsaP256Sha256, KeyRole::ksk, Secret(fromBase64(p256Private))));
    EXPECT_EQ(key.dnskey(), fromHex("0101030d") + fromBase64(p256Public));
    EXPECT_EQ(key.tag(), 55648);
    EXPECT_EQ(dsOf(name("Example.Net"), key.dnskey(), DigestType::sha256),
              fromHex("d9600d02" + std::string(p256Digest)));
    const Rdata rrsig =
        head(type::a, Algorithm::ecdsaP256Sha256, 3, 1284026679, 1281607479, 55648, name("example.net")) +
        fromBase64(p256Signature);
    const RecordSet set = test::recordSet(type::a, {"192.0.2.1"});
    EXPECT_TRUE(verifySet(key.dnskey(), rrsig, name("www.example.net"), set, 1283000000));
    EXPECT_FALSE(verifySet(key.dnskey(), rrsig, name("ww2.example.net"), set, 1283000000));
    EXPECT_FALSE(
        verifySet(key.dnskey(), rrsig, name("www.example.net"), test::recordSet(type::a, {"192.0.2.2"}), 1283000000));
    EXPECT_FALSE(verifySet(key.dnskey(), rrsig, name("www.example.net"), set, 1284026680)) << "expired";
    EXPECT_FALSE(verifySet(key.dnskey(), rrsig, name("www.example.net"), set, 1281607478)) << "not yet valid";
}

TEST(DnssecKey, Ed25519ExampleOfRfc8080IsMadeAgainOctetByOctet) {
    const auto key = valueOf(SigningKey::fromStored(Algorithm::ed25519, KeyRole::ksk, Secret(fromBase64(edPrivate))));
    EXPECT_EQ(key.dnskey(), fromHex("0101030f") + fromBase64(edPublic));
    EXPECT_EQ(key.tag(), 3613);
    EXPECT_EQ(dsOf(name("example.com"), key.dnskey(), DigestType::sha256), fromHex("0e1d0f02" + std::string(edDigest)));
    const Rdata expected = head(type::mx, Algorithm::ed25519, 2, 1440021600, 1438207200, 3613, name("example.com")) +
                           fromBase64(edSignature);
    const RecordSet set = test::recordSet(type::mx, {"10 mail.example.com."});
    EXPECT_TRUE(verifySet(key.dnskey(), expected, name("example.com"), set, 1439000000));
    SignaturePolicy policy;
    policy.jitterSeconds = 0;
    policy.backdateSeconds = 0;
    policy.validitySeconds = 1440021600 - 1438207200;
    EXPECT_EQ(valueOf(signSet(key, name("example.com"), name("example.com"), set, 1438207200, policy)), expected);
}

TEST(DnssecKey, ADigestCanBeSha384) {
    const auto key = valueOf(SigningKey::generate(Algorithm::ed25519, KeyRole::csk));
    const Rdata ds = dsOf(name("example."), key.dnskey(), DigestType::sha384);
    EXPECT_EQ(ds.size(), 4u + 48u);
    EXPECT_EQ(ds[3], 4);
    EXPECT_TRUE(dsToText(ds).starts_with(std::to_string(key.tag()) + " 15 4 "));
}

TEST(DnssecKey, AStoredKeySignsWhatTheFirstOneSigned) {
    for (const Algorithm algorithm : {Algorithm::ecdsaP256Sha256, Algorithm::ed25519}) {
        const auto made = valueOf(SigningKey::generate(algorithm, KeyRole::zsk));
        EXPECT_EQ(made.dnskey().substr(0, 2), fromHex("0100"));
        const auto read = valueOf(SigningKey::fromStored(algorithm, KeyRole::zsk, valueOf(made.privateHalf())));
        EXPECT_EQ(read.dnskey(), made.dnskey());
        EXPECT_EQ(read.tag(), made.tag());
        const std::string signature = valueOf(read.sign("octets"));
        EXPECT_EQ(signature.size(), signatureBytes);
        EXPECT_TRUE(verify(made.dnskey(), "octets", signature));
        EXPECT_FALSE(verify(made.dnskey(), "0ctets", signature));
        const auto other = valueOf(SigningKey::generate(algorithm, KeyRole::zsk));
        EXPECT_NE(other.dnskey(), made.dnskey());
        EXPECT_FALSE(verify(other.dnskey(), "octets", signature));
    }
}

TEST(DnssecKey, ManySignaturesAreGood) {
    // r and s are shorter than 32 octets once in 128 signatures: they must be filled up.
    const auto key = valueOf(SigningKey::generate(Algorithm::ecdsaP256Sha256, KeyRole::zsk));
    for (int i = 0; i < 600; ++i) {
        const std::string octets = "record " + std::to_string(i);
        ASSERT_TRUE(verify(key.dnskey(), octets, valueOf(key.sign(octets)))) << i;
    }
}

TEST(DnssecKey, WhatIsNotAKeyIsRefused) {
    EXPECT_FALSE(SigningKey::fromStored(Algorithm::ed25519, KeyRole::zsk, Secret("short")));
    EXPECT_FALSE(SigningKey::fromStored(Algorithm::ecdsaP256Sha256, KeyRole::zsk, Secret(std::string(32, '\0'))));
    EXPECT_FALSE(SigningKey::fromStored(Algorithm::ecdsaP256Sha256, KeyRole::zsk, Secret(std::string(32, '\xff'))));
    EXPECT_FALSE(algorithmFromNumber(8));
    EXPECT_EQ(*algorithmFromNumber(15), Algorithm::ed25519);
    EXPECT_FALSE(verify("", "x", std::string(64, 'x')));
    EXPECT_FALSE(verify(fromHex("0101030d") + std::string(64, 'x'), "x", std::string(64, 'x')));
    EXPECT_FALSE(verify(fromHex("0101030d") + fromBase64(p256Public), "x", std::string(64, '\0')));
}

}  // namespace
}  // namespace swb::dns::sign
