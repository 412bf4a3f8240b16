// One DNSSEC key pair and the records made of its public half.
//
//     generate() / fromStored() ──▶ SigningKey ──▶ dnskey(), tag(): into the zone, for everybody
//                                        │
//                                        └──▶ sign(octets): RFC 6605 (ECDSA P-256, r‖s) or RFC 8080 (Ed25519)
//
// Who calls: set signing (set_signing.h) and the key ring (key_ring.h), which stores the private half sealed. The
// private half leaves this class only as a Secret. Keys may be used by several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "dns/name.h"
#include "dns/rdata.h"

struct evp_pkey_st;
struct evp_md_ctx_st;

namespace swb::dns::sign {

// Numbers of the IANA registry. Others are not offered: RSA signatures do not fit UDP answers well, and everything
// that validates knows these two.
enum class Algorithm : uint8_t { ecdsaP256Sha256 = 13, ed25519 = 15 };
Result<Algorithm> algorithmFromNumber(int64_t number);
std::string_view nameOf(Algorithm algorithm);  // "ECDSAP256SHA256"

enum class DigestType : uint8_t { sha256 = 2, sha384 = 4 };

// ksk signs the set of keys and is what the parent's DS names, zsk signs everything else, csk does both.
enum class KeyRole : uint8_t { ksk, zsk, csk };
std::string_view nameOf(KeyRole role);
Result<KeyRole> keyRoleFromText(std::string_view text);
constexpr bool signsKeys(KeyRole role) {
    return role != KeyRole::zsk;
}
constexpr bool signsZone(KeyRole role) {
    return role != KeyRole::ksk;
}

constexpr size_t signatureBytes = 64;  // of both algorithms

class SigningKey {
  public:
    static Result<SigningKey> generate(Algorithm algorithm, KeyRole role);
    // The reverse of privateHalf().
    static Result<SigningKey> fromStored(Algorithm algorithm, KeyRole role, const Secret& privateHalf);

    Algorithm algorithm() const { return algorithm_; }
    KeyRole role() const { return role_; }
    const Rdata& dnskey() const { return dnskey_; }
    uint16_t tag() const { return tag_; }
    // 32 octets: the secret scalar, or the seed.
    Result<Secret> privateHalf() const;

    Result<std::string> sign(std::string_view octets) const;

  private:
    SigningKey() = default;
    static Result<SigningKey> fromPair(Algorithm algorithm, KeyRole role, evp_pkey_st* pair);

    Algorithm algorithm_ = Algorithm::ecdsaP256Sha256;
    KeyRole role_ = KeyRole::zsk;
    Rdata dnskey_;
    uint16_t tag_ = 0;
    std::shared_ptr<evp_pkey_st> pair_;
    // Prepared once and copied for each signature: preparing costs as much as half a signature.
    std::shared_ptr<evp_md_ctx_st> prepared_;
};

// RFC 4034 appendix B.
uint16_t keyTag(const Rdata& dnskey);
// RFC 4034 §5, 4509, 6605: what the parent publishes, and what a CDS record says.
Rdata dsOf(NameView owner, const Rdata& dnskey, DigestType digest);
// "12345 13 2 A1B2…", the form registrars' pages ask for.
std::string dsToText(const Rdata& ds);
// Whether the signature is by the key that the DNSKEY data describes; false also for unknown algorithms.
bool verify(const Rdata& dnskey, std::string_view octets, std::string_view signature);

}  // namespace swb::dns::sign
