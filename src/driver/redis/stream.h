// The bytes of a connection: unix socket, TCP or TLS over TCP, never blocking beyond a deadline.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "crypto/tls_context.h"

namespace swb::driver::redis {

struct TlsClient {
    std::string authorityPem;
    crypto::TlsIdentity identity;
};

// Where to connect; a socket path comes first.
struct Endpoint {
    std::string socketPath;
    std::string host;
    uint16_t port = 0;
    std::optional<TlsClient> tls;

    std::string text() const;
};

class Stream {
  public:
    // Unreachable, DeadlineExceeded; CertificateRejected when TLS does not come about.
    static Result<Stream> open(const Endpoint& endpoint, MonotonicMs deadline);
    // Of a socket that is connected and does not block.
    static Stream of(Fd socket) { return Stream(std::move(socket)); }

    Result<void> write(std::string_view bytes, MonotonicMs deadline);
    // Some bytes; Unreachable at the end of the stream.
    Result<std::string> read(MonotonicMs deadline);
    // Nothing was sent that nobody asked for, and the other end is there.
    bool isQuiet() const;

  private:
    struct Tls;
    struct TlsFree {
        void operator()(Tls* tls) const;
    };
    explicit Stream(Fd socket) : socket_(std::move(socket)) {}
    Result<void> startTls(const Endpoint& endpoint, MonotonicMs deadline);
    Result<void> flushTls(MonotonicMs deadline);
    Result<void> fillTls(MonotonicMs deadline);
    Result<void> send(std::string_view bytes, MonotonicMs deadline);
    Result<std::string> receive(MonotonicMs deadline);
    Result<void> waitFor(short events, MonotonicMs deadline) const;

    Fd socket_;
    std::unique_ptr<Tls, TlsFree> tls_;
};

}  // namespace swb::driver::redis
