#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <ctime>

#include "crypto/certificate.h"
#include "crypto/openssl.h"

namespace swb::crypto {
namespace {

constexpr int64_t backDatedSeconds = 300;
constexpr size_t namesMax = 64;

// What a certificate is built from, apart from the keys.
struct Profile {
    std::string commonName;
    std::vector<std::pair<int, std::string>> extensions;  // NID, value in OpenSSL's notation
    int64_t notBefore = 0;                                // seconds
    int64_t notAfter = 0;
};

Result<void> checkCommonName(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c < 127; });
    if (name.empty() || name.size() > 64 || !plain)
        return fail(ErrorCode::InvalidInput, "a certificate's name has 1 to 64 printable ASCII characters");
    return {};
}

// Anything beyond these characters could be read by OpenSSL's notation as further names.
Result<std::string> alternativeNames(const SignRequest& wanted) {
    if (wanted.dnsNames.size() + wanted.ipAddresses.size() > namesMax)
        return fail(ErrorCode::TooLarge, "a certificate has at most " + std::to_string(namesMax) + " names");
    std::string out;
    for (const auto& name : wanted.dnsNames) {
        const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
            return std::isalnum(c) || c == '-' || c == '.' || c == '*' || c == '_';
        });
        if (name.empty() || name.size() > 253 || !plain)
            return fail(ErrorCode::InvalidInput, "a certificate cannot carry the DNS name \"" + name + "\"");
        out += (out.empty() ? "DNS:" : ",DNS:") + name;
    }
    for (const auto& address : wanted.ipAddresses) {
        unsigned char bytes[16];
        if (::inet_pton(AF_INET, address.c_str(), bytes) != 1 && ::inet_pton(AF_INET6, address.c_str(), bytes) != 1)
            return fail(ErrorCode::InvalidInput, "\"" + address + "\" is not an IP address");
        out += (out.empty() ? "IP:" : ",IP:") + address;
    }
    return out;
}

std::string_view usageText(CertificateUsage usage) {
    switch (usage) {
        case CertificateUsage::server:
            return "serverAuth";
        case CertificateUsage::client:
            return "clientAuth";
        case CertificateUsage::serverAndClient:
            break;
    }
    return "serverAuth,clientAuth";
}

bool setSerial(X509* certificate) {
    // 128 random bits; the top bit cleared because serials are positive, the next one set so that none is short.
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
    const std::unique_ptr<BIGNUM, Release<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
    return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool addExtensions(X509* certificate, X509* issuer, const Profile& profile) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    return std::all_of(profile.extensions.begin(), profile.extensions.end(), [&](const auto& wanted) {
        const std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>> extension(
            X509V3_EXT_conf_nid(nullptr, &context, wanted.first, wanted.second.c_str()));
        return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
    });
}

// issuer: null for a certificate that signs itself.
Result<Certificate> build(const Profile& profile, EVP_PKEY* subjectKey, X509* issuer, EVP_PKEY* issuerKey) {
    Certificate certificate(X509_new());
    X509* made = certificate.get();
    const auto* name = reinterpret_cast<const unsigned char*>(profile.commonName.data());
    const bool built = made && X509_set_version(made, X509_VERSION_3) == 1 && setSerial(made) &&
                       X509_NAME_add_entry_by_NID(X509_get_subject_name(made), NID_commonName, MBSTRING_UTF8, name,
                                                  static_cast<int>(profile.commonName.size()), -1, 0) == 1 &&
                       X509_set_issuer_name(made, X509_get_subject_name(issuer ? issuer : made)) == 1 &&
                       ASN1_TIME_set(X509_getm_notBefore(made), profile.notBefore) != nullptr &&
                       ASN1_TIME_set(X509_getm_notAfter(made), profile.notAfter) != nullptr &&
                       X509_set_pubkey(made, subjectKey) == 1 && addExtensions(made, issuer ? issuer : made, profile) &&
                       X509_sign(made, issuerKey, EVP_sha256()) > 0;
    if (!built) return fail(opensslError(ErrorCode::Bug, "cannot make the certificate of " + profile.commonName));
    return certificate;
}

Result<int64_t> secondsOf(const ASN1_TIME* time) {
    struct tm parts {};
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return fail(ErrorCode::InvalidInput, "the authority's dates are unreadable");
    return static_cast<int64_t>(::timegm(&parts));
}

// A key a stranger sent: only kinds that verify quickly and are strong enough.
Result<void> checkKeyKind(EVP_PKEY* key) {
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "EC") && bits >= 256) return {};
    if (EVP_PKEY_is_a(key, "ED25519")) return {};
    if (EVP_PKEY_is_a(key, "RSA") && bits >= 2048 && bits <= 8192) return {};
    return fail(ErrorCode::InvalidInput, "the request's key is of a kind that is not accepted",
                "Use EC P-256, Ed25519 or RSA of 2048 to 8192 bits.");
}

}  // namespace

struct CertificateAuthority::Material {
    Certificate certificate;
    Key key;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Material> material, std::string certificatePem)
    : material_(std::move(material)), certificatePem_(std::move(certificatePem)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

Result<KeyAndCertificate> createAuthority(std::string_view commonName, int days) {
    TRY_VOID(checkCommonName(commonName));
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return fail(opensslError(ErrorCode::Bug, "generating a key"));
    const int64_t now = std::time(nullptr);
    const Profile profile{std::string(commonName),
                          {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                           {NID_subject_key_identifier, "hash"}},
                          now - backDatedSeconds,
                          now + int64_t{days} * 86400};
    const Certificate certificate = TRY(build(profile, key.get(), nullptr, key.get()));
    return KeyAndCertificate{TRY(writeKey(key.get())), TRY(writeCertificate(certificate.get()))};
}

Result<CertificateAuthority> CertificateAuthority::load(std::string_view certificatePem, const Secret& keyPem) {
    auto material = std::make_unique<Material>();
    material->certificate = TRY(readCertificate(certificatePem, "the authority's certificate"));
    material->key = TRY(readKey(keyPem, "the authority's key"));
    TRY_VOID(checkKeyMatches(keyPem, certificatePem));
    if (X509_check_ca(material->certificate.get()) != 1)
        return fail(ErrorCode::InvalidInput, "the authority's certificate may not sign others");
    std::string text = TRY(writeCertificate(material->certificate.get()));
    return CertificateAuthority(std::move(material), std::move(text));
}

Result<std::string> CertificateAuthority::sign(std::string_view requestPem, const SignRequest& wanted) const {
    const Request request = TRY(readRequest(requestPem));
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    if (!key) return fail(opensslError(ErrorCode::InvalidInput, "the request's key is unreadable"));
    TRY_VOID(checkKeyKind(key));
    if (X509_REQ_verify(request.get(), key) != 1)
        return fail(opensslError(ErrorCode::InvalidInput, "the request is not signed by its own key"));

    TRY_VOID(checkCommonName(wanted.commonName));
    const std::string names = TRY(alternativeNames(wanted));
    const int64_t now = std::time(nullptr);
    const int64_t last = TRY(secondsOf(X509_get0_notAfter(material_->certificate.get())));
    Profile profile{
        wanted.commonName,
        {{NID_basic_constraints, "critical,CA:FALSE"},
         {NID_key_usage, "critical,digitalSignature"},
         {NID_ext_key_usage, std::string(usageText(wanted.usage))},
         {NID_subject_key_identifier, "hash"},
         {NID_authority_key_identifier, "keyid:always"}},
        now - backDatedSeconds,
        std::min(now + (wanted.lifetimeSeconds ? wanted.lifetimeSeconds : wanted.lifetimeHours * 3600), last)};
    // notBefore must precede notAfter even in a certificate that is made expired.
    profile.notBefore = std::min(profile.notBefore, profile.notAfter - backDatedSeconds);
    if (!names.empty()) profile.extensions.emplace_back(NID_subject_alt_name, names);
    const Certificate certificate = TRY(build(profile, key, material_->certificate.get(), material_->key.get()));
    return writeCertificate(certificate.get());
}

Result<KeyAndCertificate> CertificateAuthority::issue(const SignRequest& wanted) const {
    Secret key = TRY(generateKey());
    const std::string request = TRY(createRequest(key, "own"));
    std::string certificate = TRY(sign(request, wanted));
    return KeyAndCertificate{std::move(key), std::move(certificate)};
}

}  // namespace swb::crypto
