#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <ctime>

#include "crypto/digest.h"
#include "crypto/openssl.h"

namespace swb::crypto {
namespace {

std::string textOf(const ASN1_STRING* text) {
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<size_t>(ASN1_STRING_length(text)));
}

std::string commonNameOf(const X509* certificate) {
    const X509_NAME* name = X509_get_subject_name(certificate);
    const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0) return {};
    unsigned char* utf8 = nullptr;
    const int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
    std::string out;
    if (length > 0) out.assign(reinterpret_cast<const char*>(utf8), static_cast<size_t>(length));
    OPENSSL_free(utf8);
    return out;
}

UnixMs timeOf(const ASN1_TIME* time) {
    struct tm parts {};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return static_cast<UnixMs>(::timegm(&parts)) * 1000;
}

std::string addressText(const std::string& bytes) {
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    char text[INET6_ADDRSTRLEN];
    if ((bytes.size() != 4 && bytes.size() != 16) || !::inet_ntop(family, bytes.data(), text, sizeof text)) return {};
    return text;
}

void readAlternativeNames(const X509* certificate, CertificateInfo& info) {
    auto* raw = X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr);
    const std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(raw));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS) info.dnsNames.push_back(textOf(name->d.dNSName));
        if (name->type == GEN_IPADD) info.ipAddresses.push_back(addressText(textOf(name->d.iPAddress)));
    }
}

}  // namespace

Result<Secret> generateKey() {
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return fail(opensslError(ErrorCode::Bug, "generating a key"));
    return writeKey(key.get());
}

Result<std::string> createRequest(const Secret& keyPem, std::string_view commonName) {
    const Key key = TRY(readKey(keyPem, "the key"));
    const Request request(X509_REQ_new());
    const auto* name = reinterpret_cast<const unsigned char*>(commonName.data());
    if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, MBSTRING_UTF8, name,
                                   static_cast<int>(commonName.size()), -1, 0) != 1)
        return fail(opensslError(ErrorCode::InvalidInput, "the name does not fit a certificate request"));
    if (X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
        X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0)
        return fail(opensslError(ErrorCode::InvalidInput, "cannot sign the certificate request"));
    return writeRequest(request.get());
}

Result<std::string> fingerprint(std::string_view certificatePem) {
    return fingerprintOf(TRY(readCertificate(certificatePem, "the text")).get());
}

Result<CertificateInfo> certificateInfo(std::string_view certificatePem) {
    const Certificate certificate = TRY(readCertificate(certificatePem, "the text"));
    CertificateInfo info;
    info.commonName = commonNameOf(certificate.get());
    readAlternativeNames(certificate.get(), info);
    info.notBefore = timeOf(X509_get0_notBefore(certificate.get()));
    info.notAfter = timeOf(X509_get0_notAfter(certificate.get()));
    info.serial = toHex(textOf(X509_get0_serialNumber(certificate.get())));
    info.fingerprint = fingerprintOf(certificate.get());
    info.authority = X509_check_ca(certificate.get()) == 1;
    ERR_clear_error();
    return info;
}

Result<void> verifyCertificate(std::string_view certificatePem, std::string_view authorityPem, CertificateUsage usage) {
    const Certificate certificate = TRY(readCertificate(certificatePem, "the text"));
    const Certificate authority = TRY(readCertificate(authorityPem, "the authority's certificate"));
    const std::unique_ptr<X509_STORE, Release<X509_STORE_free>> trusted(X509_STORE_new());
    const std::unique_ptr<X509_STORE_CTX, Release<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
    if (!trusted || !context || X509_STORE_add_cert(trusted.get(), authority.get()) != 1)
        return fail(opensslError(ErrorCode::Bug, "preparing to verify a certificate"));
    const int purposes[] = {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT};
    for (const int purpose : purposes) {
        if (purpose == X509_PURPOSE_SSL_SERVER && usage == CertificateUsage::client) continue;
        if (purpose == X509_PURPOSE_SSL_CLIENT && usage == CertificateUsage::server) continue;
        if (X509_STORE_CTX_init(context.get(), trusted.get(), certificate.get(), nullptr) != 1 ||
            X509_STORE_CTX_set_purpose(context.get(), purpose) != 1)
            return fail(opensslError(ErrorCode::Bug, "preparing to verify a certificate"));
        const int verified = X509_verify_cert(context.get());
        ERR_clear_error();
        if (verified != 1)
            return fail(ErrorCode::CertificateRejected,
                        std::string("the certificate is not accepted: ") +
                            X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
        X509_STORE_CTX_cleanup(context.get());
    }
    return {};
}

Result<void> checkKeyMatches(const Secret& keyPem, std::string_view certificatePem) {
    const Certificate certificate = TRY(readCertificate(certificatePem, "the text"));
    const Key key = TRY(readKey(keyPem, "the key"));
    const int matches = X509_check_private_key(certificate.get(), key.get());
    ERR_clear_error();
    if (matches != 1) return fail(ErrorCode::InvalidInput, "the key does not belong to the certificate");
    return {};
}

}  // namespace swb::crypto
