#include "driver/support/tls_stream.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "crypto/certificate.h"

namespace swb::driver {

namespace {

constexpr int sliceMs = 100;  // how long a cancel may go unnoticed

std::string lastTlsError() {
    const unsigned long code = ERR_get_error();
    if (code == 0) return "the peer went";
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    return text;
}

tl::unexpected<Error> broken(const std::string& why) {
    return fail(ErrorCode::Unreachable, "the connection for the copy broke: " + why);
}

Result<void> awaitReady(int fd, short events, const Context& limits) {
    for (;;) {
        const int64_t left = limits.remainingMs();
        if (limits.cancelled()) return fail(ErrorCode::Interrupted, "the copy was cancelled");
        if (left == 0) return fail(ErrorCode::DeadlineExceeded, "the peer of the copy does nothing any more");
        pollfd waited{fd, events, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(std::min<int64_t>(sliceMs, left)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return broken(std::strerror(errno));
    }
}

struct AddressFree {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<Fd> dial(const std::string& host, uint16_t port, const Context& limits) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found))
        return broken(host + " is not known: " + ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, AddressFree> list(found);
    std::string why = "no address";
    for (const addrinfo* address = list.get(); address; address = address->ai_next) {
        Fd socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket.valid()) continue;
        if (::connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0) {
            if (errno != EINPROGRESS) {
                why = std::strerror(errno);
                continue;
            }
            TRY_VOID(awaitReady(socket.get(), POLLOUT, limits));
            int failure = 0;
            socklen_t size = sizeof failure;
            ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
            if (failure != 0) {
                why = std::strerror(failure);
                continue;
            }
        }
        return socket;
    }
    return broken(host + ":" + std::to_string(port) + ": " + why);
}

}  // namespace

TlsStream::TlsStream(Fd socket, std::unique_ptr<SSL, Free> connection)
    : socket_(std::move(socket)), connection_(std::move(connection)) {}

template <typename Operation>
Result<int> TlsStream::await(Operation operation, const Context& limits) {
    for (;;) {
        ERR_clear_error();
        const int done = operation(connection_.get());
        if (done > 0) return done;
        switch (SSL_get_error(connection_.get(), done)) {
            case SSL_ERROR_WANT_READ:
                TRY_VOID(awaitReady(socket_.get(), POLLIN, limits));
                break;
            case SSL_ERROR_WANT_WRITE:
                TRY_VOID(awaitReady(socket_.get(), POLLOUT, limits));
                break;
            case SSL_ERROR_ZERO_RETURN:
                return broken("the peer closed it");
            default:
                return broken(lastTlsError());
        }
    }
}

Result<TlsStream> TlsStream::connect(const std::string& host, uint16_t port, SSL_CTX* context,
                                     const std::string& expectedName, const Context& limits) {
    Fd socket = TRY(dial(host, port, limits));
    TlsStream stream(std::move(socket), std::unique_ptr<SSL, Free>(SSL_new(context)));
    TRY_VOID(crypto::expectHost(stream.connection_.get(), expectedName));
    SSL_set_fd(stream.connection_.get(), stream.socket_.get());
    TRY(stream.await([](SSL* connection) { return SSL_connect(connection); }, limits));
    return stream;
}

Result<TlsStream> TlsStream::accept(Fd socket, SSL_CTX* context, const Context& limits) {
    const int flags = ::fcntl(socket.get(), F_GETFL);
    ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
    TlsStream stream(std::move(socket), std::unique_ptr<SSL, Free>(SSL_new(context)));
    SSL_set_fd(stream.connection_.get(), stream.socket_.get());
    TRY(stream.await([](SSL* connection) { return SSL_accept(connection); }, limits));
    return stream;
}

std::string TlsStream::peerCommonName() const {
    const std::string certificate = crypto::verifiedPeerCertificate(connection_.get());
    if (certificate.empty()) return {};
    const auto info = crypto::certificateInfo(certificate);
    return info ? info->commonName : std::string();
}

Result<void> TlsStream::readAll(char* to, size_t bytes, const Context& limits) {
    for (size_t done = 0; done < bytes;) {
        const int wanted = static_cast<int>(std::min<size_t>(bytes - done, 1 << 20));
        done += static_cast<size_t>(
            TRY(await([&](SSL* connection) { return SSL_read(connection, to + done, wanted); }, limits)));
    }
    return {};
}

Result<void> TlsStream::writeAll(std::string_view bytes, const Context& limits) {
    SSL_set_mode(connection_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    while (!bytes.empty()) {
        const int wanted = static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20));
        bytes.remove_prefix(static_cast<size_t>(
            TRY(await([&](SSL* connection) { return SSL_write(connection, bytes.data(), wanted); }, limits))));
    }
    return {};
}

}  // namespace swb::driver
