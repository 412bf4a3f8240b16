#include "dns/exchange.h"

#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/fd.h"

namespace swb::dns {
namespace {

constexpr int64_t repeatAfterMs = 250;  // a query lost on the way is worth repeating long before anyone notices

MonotonicMs nowMs() {
    return SystemClock().monotonic();
}

class Socket {
  public:
    Socket(const Exchange& how, std::span<const uint8_t> message)
        : how_(how), message_(message), deadline_(nowMs() + how.timeoutMs) {}

    Result<std::vector<uint8_t>> overUdp(const IsReply& isReply) {
        TRY_VOID(connect(SOCK_DGRAM));
        std::vector<uint8_t> buffer(messageBytesMax);
        do {
            if (::send(fd_.get(), message_.data(), message_.size(), MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
                return unreachable(errno);
            const MonotonicMs repeatAt = how_.repeat ? nowMs() + repeatAfterMs : deadline_;
            while (TRY(waitFor(POLLIN, repeatAt))) {
                const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
                if (count < 0 && errno == EAGAIN) continue;
                if (count < 0) return unreachable(errno);
                if (isReply({buffer.data(), static_cast<size_t>(count)}))
                    return std::vector<uint8_t>(buffer.begin(), buffer.begin() + count);
            }
        } while (nowMs() < deadline_);
        return late();
    }

    Result<std::vector<uint8_t>> overTcp(const IsReply& isReply) {
        TRY_VOID(connect(SOCK_STREAM));
        std::vector<uint8_t> framed = {static_cast<uint8_t>(message_.size() >> 8),
                                       static_cast<uint8_t>(message_.size())};
        framed.insert(framed.end(), message_.begin(), message_.end());
        TRY_VOID(sendAll(framed));
        std::array<uint8_t, 2> length{};
        TRY_VOID(receiveAll(length));
        std::vector<uint8_t> bytes(static_cast<size_t>(length[0] << 8 | length[1]));
        TRY_VOID(receiveAll(bytes));
        if (!isReply(bytes))
            return fail(ErrorCode::ProtocolViolation,
                        "the name server " + how_.server.toText() + " answered something else");
        return bytes;
    }

    Result<void> connect(int kind) {
        const int family = how_.server.address.family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
        fd_ = Fd(::socket(family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!fd_.valid()) return unreachable(errno);
        const SocketAddress address = SocketAddress::of(how_.server);
        if (::connect(fd_.get(), address.pointer(), address.size) == 0) return {};
        if (errno != EINPROGRESS) return unreachable(errno);
        if (!TRY(waitFor(POLLOUT, deadline_))) return unreachable(ETIMEDOUT);
        int problem = 0;
        socklen_t size = sizeof(problem);
        ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem != 0) return unreachable(problem);
        return {};
    }

  private:
    tl::unexpected<Error> late() const {
        return fail(ErrorCode::DeadlineExceeded, "the name server " + how_.server.toText() + " did not answer in time");
    }
    tl::unexpected<Error> unreachable(int problem) const {
        return fail(ErrorCode::Unreachable,
                    "the name server " + how_.server.toText() + " cannot be asked: " + std::strerror(problem));
    }
    tl::unexpected<Error> cut(const char* how) const {
        return fail(ErrorCode::ProtocolViolation, "the name server " + how_.server.toText() + " " + how);
    }

    // Whether it is ready before `until` and before the deadline.
    Result<bool> waitFor(short events, MonotonicMs until) {
        pollfd watched{fd_.get(), events, 0};
        while (true) {
            const int64_t left = std::min(until, deadline_) - nowMs();
            if (left <= 0) return false;
            const int ready = ::poll(&watched, 1, static_cast<int>(left));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return unreachable(errno);
        }
    }

    Result<void> sendAll(const std::vector<uint8_t>& bytes) {
        for (size_t at = 0; at < bytes.size();) {
            const ssize_t count = ::send(fd_.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
            if (count > 0) {
                at += static_cast<size_t>(count);
            } else if (errno != EAGAIN && errno != EINTR) {
                return cut("hung up while it was sent to");
            } else if (!TRY(waitFor(POLLOUT, deadline_))) {
                return late();
            }
        }
        return {};
    }

    Result<void> receiveAll(std::span<uint8_t> into) {
        while (!into.empty()) {
            if (!TRY(waitFor(POLLIN, deadline_))) return late();
            const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), 0);
            if (count == 0) return cut("hung up");
            if (count < 0 && errno != EAGAIN && errno != EINTR) return cut("broke the connection");
            if (count > 0) into = into.subspan(static_cast<size_t>(count));
        }
        return {};
    }

    const Exchange& how_;
    std::span<const uint8_t> message_;
    MonotonicMs deadline_;
    Fd fd_;
};

}  // namespace

Result<std::vector<uint8_t>> exchange(const Exchange& how, std::span<const uint8_t> message, const IsReply& isReply) {
    Socket socket(how, message);
    return how.transport == Transport::tcp ? socket.overTcp(isReply) : socket.overUdp(isReply);
}

bool hasRoute(const Endpoint& server) {
    // Connecting a datagram socket looks the way up and sends nothing.
    Exchange how;
    how.server = server;
    return Socket(how, {}).connect(SOCK_DGRAM).has_value();
}

uint16_t randomMessageId() {
    uint16_t id = 0;
    if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(nowMs());
    return id;
}

}  // namespace swb::dns
