// A TLS connection between two agents, for bulk data: blocking, with deadlines, ended by a cancel within 100 ms. The
// certificates are those of the databases (tls_directory.h), both ends show theirs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "crypto/tls_context.h"
#include "driver/database_driver.h"

namespace swb::driver {

class TlsStream {
  public:
    // expectedName: whom the certificate must name, which may be another than the host that is dialled.
    static Result<TlsStream> connect(const std::string& host, uint16_t port, SSL_CTX* context,
                                     const std::string& expectedName, const Context& limits);
    static Result<TlsStream> accept(Fd socket, SSL_CTX* context, const Context& limits);

    // Of the verified peer; empty when it showed no certificate.
    std::string peerCommonName() const;
    // All of it, or an error: the deadline, a cancel, a peer that stopped or went.
    Result<void> readAll(char* to, size_t bytes, const Context& limits);
    Result<void> writeAll(std::string_view bytes, const Context& limits);

  private:
    struct Free {
        void operator()(SSL* connection) const { SSL_free(connection); }
    };
    TlsStream(Fd socket, std::unique_ptr<SSL, Free> connection);
    // Repeats an operation of OpenSSL until it is done.
    template <typename Operation>
    Result<int> await(Operation operation, const Context& limits);

    Fd socket_;
    std::unique_ptr<SSL, Free> connection_;
};

}  // namespace swb::driver
