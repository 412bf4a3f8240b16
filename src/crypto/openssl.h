// OpenSSL's objects as owners, PEM in and out, its errors as ours. Private to this module.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace swb::crypto {

template <auto release>
struct Release {
    template <typename T>
    void operator()(T* object) const {
        release(object);
    }
};

using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Release<X509_REQ_free>>;
using Bio = std::unique_ptr<BIO, Release<BIO_free>>;

// The oldest entry of OpenSSL's error queue, which is emptied; `what` names the attempt.
Error opensslError(ErrorCode code, std::string_view what);

// Exactly one certificate, request or key of at most pemBytesMax. Keys protected by a passphrase are refused, never
// asked for. `what` is put into the message ("the authority's certificate").
Result<Certificate> readCertificate(std::string_view pem, std::string_view what);
Result<Request> readRequest(std::string_view pem);
Result<Key> readKey(const Secret& pem, std::string_view what);

Result<std::string> writeCertificate(X509* certificate);
Result<std::string> writeRequest(X509_REQ* request);
Result<Secret> writeKey(EVP_PKEY* key);

// The DER's SHA-256 in lower-case hex.
std::string fingerprintOf(const X509* certificate);

}  // namespace swb::crypto
