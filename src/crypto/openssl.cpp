#include "crypto/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/assert.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"

namespace swb::crypto {
namespace {

// Given to OpenSSL instead of its own, which would ask on the terminal.
int noPassphrase(char*, int, int, void*) {
    return -1;
}

Result<Bio> reading(std::string_view pem, std::string_view what) {
    if (pem.size() > pemBytesMax)
        return fail(ErrorCode::TooLarge,
                    std::string(what) + " is larger than " + std::to_string(pemBytesMax) + " bytes");
    Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!bio) return fail(opensslError(ErrorCode::Bug, "reading " + std::string(what)));
    return bio;
}

std::string contentOf(BIO* bio) {
    char* start = nullptr;
    const long length = BIO_get_mem_data(bio, &start);
    return length > 0 ? std::string(start, static_cast<size_t>(length)) : std::string();
}

template <typename Write>
Result<std::string> written(std::string_view what, Write write) {
    const Bio bio(BIO_new(BIO_s_mem()));
    if (!bio || write(bio.get()) != 1) return fail(opensslError(ErrorCode::Bug, "writing " + std::string(what)));
    return contentOf(bio.get());
}

}  // namespace

Error opensslError(ErrorCode code, std::string_view what) {
    std::string message(what);
    if (const unsigned long number = ERR_get_error()) {
        char text[256];
        ERR_error_string_n(number, text, sizeof text);
        const char* reason = ERR_reason_error_string(number);
        message += std::string(": ") + (reason ? reason : text);
    }
    ERR_clear_error();
    return {code, std::move(message)};
}

Result<Certificate> readCertificate(std::string_view pem, std::string_view what) {
    const Bio bio = TRY(reading(pem, what));
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, noPassphrase, nullptr));
    if (!certificate) return fail(opensslError(ErrorCode::InvalidInput, std::string(what) + " is not a certificate"));
    return certificate;
}

Result<Request> readRequest(std::string_view pem) {
    const Bio bio = TRY(reading(pem, "the certificate request"));
    Request request(PEM_read_bio_X509_REQ(bio.get(), nullptr, noPassphrase, nullptr));
    if (!request) return fail(opensslError(ErrorCode::InvalidInput, "that is not a certificate request"));
    return request;
}

Result<Key> readKey(const Secret& pem, std::string_view what) {
    const Bio bio = TRY(reading(pem.reveal(), what));
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassphrase, nullptr));
    if (!key) return fail(opensslError(ErrorCode::InvalidInput, std::string(what) + " is not a private key"));
    return key;
}

Result<std::string> writeCertificate(X509* certificate) {
    return written("a certificate", [&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

Result<std::string> writeRequest(X509_REQ* request) {
    return written("a request", [&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request); });
}

Result<Secret> writeKey(EVP_PKEY* key) {
    return Secret(TRY(written("a key", [&](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, noPassphrase, nullptr);
    })));
}

std::string fingerprintOf(const X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const int done = X509_digest(certificate, EVP_sha256(), digest, &length);
    SWB_ASSERT(done == 1, "SHA-256 is always available");
    return toHex(std::string_view(reinterpret_cast<const char*>(digest), length));
}

}  // namespace swb::crypto
