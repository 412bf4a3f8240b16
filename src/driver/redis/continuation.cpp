#include "driver/redis/continuation.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "driver/redis/role_file.h"

namespace swb::driver::redis {

namespace {

class MomentaryPrimary {
  public:
    static Result<MomentaryPrimary> listen() {
        MomentaryPrimary primary;
        primary.socket_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof name;
        auto* address = reinterpret_cast<sockaddr*>(&name);
        if (!primary.socket_.valid() || ::bind(primary.socket_.get(), address, size) != 0 ||
            ::listen(primary.socket_.get(), 1) != 0 || ::getsockname(primary.socket_.get(), address, &size) != 0)
            return fail(ErrorCode::Unreachable, "no loopback port to listen on");
        primary.port_ = ntohs(name.sin_port);
        return primary;
    }
    uint16_t port() const { return port_; }

    // Until the server was told to continue; the stream must live until it has been promoted.
    Result<Stream> serve(const Position& position, MonotonicMs deadline) const {
        Stream stream = TRY(accept(deadline));
        std::string received;
        for (;;) {
            const auto command = TRY(parseReply(received));
            if (!command) {
                received += TRY(stream.read(deadline));
                continue;
            }
            received.erase(0, command->bytes);
            const auto& words = command->reply.list;
            const std::string name = words.empty() ? "" : words[0].text;
            if (name == "PSYNC") {
                const bool asked = words.size() == 3 && words[1].text == position.id &&
                                   words[2].text == std::to_string(position.offset + 1);
                if (!asked) return fail(ErrorCode::VerificationFailed, "the server asks for another place");
                TRY_VOID(stream.write("+CONTINUE\r\n", deadline));
                return stream;
            }
            TRY_VOID(stream.write(name == "PING" ? "+PONG\r\n" : "+OK\r\n", deadline));
        }
    }

  private:
    Result<Stream> accept(MonotonicMs deadline) const {
        const int64_t left = std::max<int64_t>(0, deadline - SystemClock().monotonic());
        pollfd waited{socket_.get(), POLLIN, 0};
        if (::poll(&waited, 1, static_cast<int>(std::min<int64_t>(left, 60'000))) <= 0)
            return fail(ErrorCode::DeadlineExceeded, "the server did not connect");
        Fd accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!accepted.valid()) return fail(ErrorCode::Unreachable, "the server's connection broke");
        return Stream::of(std::move(accepted));
    }

    Fd socket_;
    uint16_t port_ = 0;
};

Result<void> continueAndPromote(Connection& connection, const MomentaryPrimary& primary, const Position& position,
                                const Context& context) {
    constexpr int64_t handshakeMs = 3000;
    const MonotonicMs deadline = within(context, handshakeMs);
    // Loopback, and nothing but the handshake: no TLS for it.
    TRY(connection.call({"CONFIG", "SET", "tls-replication", "no"}, context.deadline));
    TRY(connection.call({"REPLICAOF", std::string(nowhereHost), std::to_string(primary.port())}, context.deadline));
    const Stream stream = TRY(primary.serve(position, deadline));
    for (;;) {
        const ServerState state = TRY(readState(connection, context.deadline));
        if (state.linkUp && state.position == position) break;
        if (SystemClock().monotonic() >= deadline)
            return fail(ErrorCode::DeadlineExceeded, "the server did not continue its history");
        pause(pollMs);
    }
    TRY(connection.call({"REPLICAOF", "NO", "ONE"}, context.deadline));
    return {};
}

}  // namespace

Result<void> promoteWithHistory(const Instance& instance, Connection& connection, const Position& position,
                                const Context& context) {
    const MomentaryPrimary primary = TRY(MomentaryPrimary::listen());
    auto promoted = continueAndPromote(connection, primary, position, context);
    if (!promoted)
        (void)connection.call({"REPLICAOF", std::string(nowhereHost), std::to_string(nowherePort)}, context.deadline);
    const std::string tls = instance.role().get("tls-replication").value_or("no");
    TRY(connection.call({"CONFIG", "SET", "tls-replication", tls}, context.deadline));
    return promoted;
}

}  // namespace swb::driver::redis
