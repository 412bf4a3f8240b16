#include "driver/redis/stream.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace swb::driver::redis {

namespace {

constexpr size_t pieceBytes = 64 << 10;

tl::unexpected<Error> unreachable(const Endpoint& endpoint, std::string_view why) {
    return fail(ErrorCode::Unreachable, "no connection to " + endpoint.text() + ": " + std::string(why));
}

tl::unexpected<Error> late() {
    return fail(ErrorCode::DeadlineExceeded, "the server did not answer in time");
}

// A connection under way; the result comes with POLLOUT and SO_ERROR.
Result<Fd> beginUnix(const Endpoint& endpoint) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (endpoint.socketPath.size() >= sizeof name.sun_path)
        return fail(ErrorCode::InvalidInput, "the socket path " + endpoint.socketPath + " is too long");
    std::memcpy(name.sun_path, endpoint.socketPath.c_str(), endpoint.socketPath.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid() || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
        return unreachable(endpoint, std::strerror(errno));
    return socket;
}

struct AddressListFree {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<std::unique_ptr<addrinfo, AddressListFree>> resolve(const Endpoint& endpoint) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    const int problem = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
    if (problem != 0) return unreachable(endpoint, ::gai_strerror(problem));
    return std::unique_ptr<addrinfo, AddressListFree>(list);
}

int errorOf(int socket) {
    int problem = 0;
    socklen_t size = sizeof problem;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
}

}  // namespace

struct Stream::Tls {
    crypto::TlsContext context;
    SSL* session = nullptr;
    BIO* incoming = nullptr;  // both belong to the session
    BIO* outgoing = nullptr;
    ~Tls() { SSL_free(session); }
};

void Stream::TlsFree::operator()(Tls* tls) const {
    delete tls;
}

std::string Endpoint::text() const {
    return !socketPath.empty() ? socketPath : host + ":" + std::to_string(port) + (tls ? " (TLS)" : "");
}

Result<Stream> Stream::open(const Endpoint& endpoint, MonotonicMs deadline) {
    if (!endpoint.socketPath.empty()) return Stream(TRY(beginUnix(endpoint)));
    const auto addresses = TRY(resolve(endpoint));
    std::string why = "the name has no address";
    for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
        Fd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket.valid()) continue;
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        int problem = ::connect(socket.get(), address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
        Stream stream(std::move(socket));
        if (problem == EINPROGRESS) {
            if (!stream.waitFor(POLLOUT, deadline)) return unreachable(endpoint, "it does not answer");
            problem = errorOf(stream.socket_.get());
        }
        why = std::strerror(problem);
        if (problem != 0) continue;
        if (endpoint.tls) TRY_VOID(stream.startTls(endpoint, deadline));
        return stream;
    }
    return unreachable(endpoint, why);
}

Result<void> Stream::waitFor(short events, MonotonicMs deadline) const {
    const SystemClock clock;
    for (;;) {
        const int64_t left = deadline - clock.monotonic();
        pollfd waited{socket_.get(), events, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 60'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return fail(ErrorCode::Unreachable, std::strerror(errno));
        if (left <= 0) return late();
    }
}

Result<void> Stream::send(std::string_view bytes, MonotonicMs deadline) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0)
            bytes.remove_prefix(static_cast<size_t>(sent));
        else if (errno == EAGAIN)
            TRY_VOID(waitFor(POLLOUT, deadline));
        else if (errno != EINTR)
            return fail(ErrorCode::Unreachable, std::string("the connection broke: ") + std::strerror(errno));
    }
    return {};
}

Result<std::string> Stream::receive(MonotonicMs deadline) {
    std::string bytes(pieceBytes, '\0');
    for (;;) {
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got > 0) {
            bytes.resize(static_cast<size_t>(got));
            return bytes;
        }
        if (got == 0) return fail(ErrorCode::Unreachable, "the server closed the connection");
        if (errno == EAGAIN)
            TRY_VOID(waitFor(POLLIN, deadline));
        else if (errno != EINTR)
            return fail(ErrorCode::Unreachable, std::string("the connection broke: ") + std::strerror(errno));
    }
}

Result<void> Stream::startTls(const Endpoint& endpoint, MonotonicMs deadline) {
    tls_.reset(new Tls{TRY(crypto::clientContext(endpoint.tls->authorityPem, &endpoint.tls->identity)), nullptr,
                       BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())});
    tls_->session = SSL_new(tls_->context.get());
    if (!tls_->session || !tls_->incoming || !tls_->outgoing) return fail(ErrorCode::Bug, "no TLS session");
    SSL_set_bio(tls_->session, tls_->incoming, tls_->outgoing);
    TRY_VOID(crypto::expectHost(tls_->session, endpoint.host));
    for (;;) {
        ERR_clear_error();
        const int done = SSL_connect(tls_->session);
        const int why = SSL_get_error(tls_->session, done);
        TRY_VOID(flushTls(deadline));
        if (done == 1) return {};
        if (why != SSL_ERROR_WANT_READ) {
            const char* reason = ERR_reason_error_string(ERR_peek_last_error());
            return fail(ErrorCode::CertificateRejected,
                        "no TLS with " + endpoint.text() + ": " + (reason ? reason : "the handshake failed"),
                        "Both servers need certificates of this controller, and the port must be the one for TLS.");
        }
        auto filled = fillTls(deadline);
        if (!filled)
            return fail(filled.error().code, "no TLS with " + endpoint.text() + ": " + filled.error().message,
                        "Is it the server's TLS port? A plain one ends the connection without a word.");
    }
}

Result<void> Stream::flushTls(MonotonicMs deadline) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(tls_->outgoing, &bytes);
    if (size > 0) TRY_VOID(send({bytes, static_cast<size_t>(size)}, deadline));
    (void)BIO_reset(tls_->outgoing);
    return {};
}

Result<void> Stream::fillTls(MonotonicMs deadline) {
    const std::string bytes = TRY(receive(deadline));
    if (BIO_write(tls_->incoming, bytes.data(), static_cast<int>(bytes.size())) != static_cast<int>(bytes.size()))
        return fail(ErrorCode::Bug, "no memory for TLS");
    return {};
}

Result<void> Stream::write(std::string_view bytes, MonotonicMs deadline) {
    if (!tls_) return send(bytes, deadline);
    while (!bytes.empty()) {
        const size_t piece = std::min(bytes.size(), pieceBytes);
        ERR_clear_error();
        if (SSL_write(tls_->session, bytes.data(), static_cast<int>(piece)) != static_cast<int>(piece))
            return fail(ErrorCode::Unreachable, "the TLS connection broke");
        bytes.remove_prefix(piece);
        TRY_VOID(flushTls(deadline));
    }
    return {};
}

Result<std::string> Stream::read(MonotonicMs deadline) {
    if (!tls_) return receive(deadline);
    std::string bytes(pieceBytes, '\0');
    for (;;) {
        ERR_clear_error();
        const int got = SSL_read(tls_->session, bytes.data(), static_cast<int>(bytes.size()));
        if (got > 0) {
            bytes.resize(static_cast<size_t>(got));
            return bytes;
        }
        if (SSL_get_error(tls_->session, got) != SSL_ERROR_WANT_READ) {
            // With TLS 1.3 a refused client certificate shows only here.
            const char* reason = ERR_reason_error_string(ERR_peek_last_error());
            return fail(ErrorCode::CertificateRejected,
                        std::string("the TLS connection was ended: ") + (reason ? reason : "by the other side"));
        }
        TRY_VOID(flushTls(deadline));
        TRY_VOID(fillTls(deadline));
    }
}

bool Stream::isQuiet() const {
    if (!socket_.valid()) return false;
    pollfd waited{socket_.get(), POLLIN, 0};
    return ::poll(&waited, 1, 0) == 0;
}

}  // namespace swb::driver::redis
