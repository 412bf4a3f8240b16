// TLS contexts of this module's connections, from the crypto module's, as Asio wants them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/detail/asio.h"
#include "net/tls_identity.h"

namespace swb::net::detail {

using SslContext = std::shared_ptr<asio::ssl::context>;

Result<SslContext> makeServerContext(const TlsIdentity& identity);
Result<SslContext> makeClientContext(const TlsIdentity& identity);

// Common name of the peer's verified certificate; none when it showed none.
std::optional<std::string> peerCertificateName(TlsStream& stream);

}  // namespace swb::net::detail
