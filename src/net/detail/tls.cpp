#include "net/detail/tls.h"

#include "crypto/certificate.h"
#include "crypto/tls_context.h"

namespace swb::net::detail {

namespace {
// Every connection verifies its peer anew: no resumed sessions, so a reload of certificates is complete and a server
// never answers for a client certificate it saw at another time.
SslContext adopt(crypto::TlsContext context) {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(context.get(), 0);
    return std::make_shared<asio::ssl::context>(context.release());
}
}  // namespace

Result<SslContext> makeServerContext(const TlsIdentity& identity) {
    const crypto::TlsIdentity own{identity.certificatePem, identity.privateKeyPem};
    return adopt(TRY(crypto::serverContext(own, identity.authorityPem)));
}

Result<SslContext> makeClientContext(const TlsIdentity& identity) {
    const crypto::TlsIdentity own{identity.certificatePem, identity.privateKeyPem};
    return adopt(TRY(crypto::clientContext(identity.authorityPem, &own)));
}

std::optional<std::string> peerCertificateName(TlsStream& stream) {
    const std::string pem = crypto::verifiedPeerCertificate(stream.native_handle());
    if (pem.empty()) return std::nullopt;
    auto info = crypto::certificateInfo(pem);
    if (!info || info->commonName.empty()) return std::nullopt;
    return std::move(info->commonName);
}

}  // namespace swb::net::detail
