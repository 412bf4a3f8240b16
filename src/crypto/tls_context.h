// OpenSSL contexts for the three ends of a connection: the controller, a member (agent or CLI with the authority's
// certificate on disk), and a newcomer that knows only the authority's pin. TLS 1.2 and later, forward secrecy only.
// Whoever connects also sets the expected host name on its SSL (expectHost): every agent has a certificate of the same
// authority, and none may pass for the controller.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace swb::crypto {

struct SslContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, SslContextFree>;

struct TlsIdentity {
    std::string certificatePem;
    Secret keyPem;
};

// Asks for a client certificate and checks one that is shown against the authority (a wrong one ends the handshake),
// but also serves clients without one: API clients authenticate by token. Sends the authority's certificate after its
// own, so that a newcomer can compare the pin.
Result<TlsContext> serverContext(const TlsIdentity& identity, std::string_view authorityPem);

// Trusts this authority only; shows the identity if there is one.
Result<TlsContext> clientContext(std::string_view authorityPem, const TlsIdentity* identity = nullptr);

// Trusts a chain whose root has this SHA-256 (64 hex digits, as printed by `fingerprint`), and nothing else.
Result<TlsContext> pinnedClientContext(std::string_view pin);

// Makes an existing client context trust only the pin.
Result<void> pinContext(SSL_CTX* context, std::string_view pin);

// For libcurl: CURLOPT_SSL_CTX_FUNCTION = pinForCurl, CURLOPT_SSL_CTX_DATA = const std::string* (the pin, alive during
// the transfer); CURLOPT_SSL_VERIFYPEER and CURLOPT_SSL_VERIFYHOST stay at their defaults, on. Returns a CURLcode:
// CURLE_OK, or CURLE_SSL_CERTPROBLEM for a pin that is none.
int pinForCurl(void* curl, void* sslContext, void* pinString);

// SNI (for names) and the check of the certificate's names against host, which may be a DNS name or an IP address.
Result<void> expectHost(SSL* connection, std::string_view host);

// The verified peer's certificate as PEM, empty when it showed none or it did not verify.
std::string verifiedPeerCertificate(const SSL* connection);

}  // namespace swb::crypto
