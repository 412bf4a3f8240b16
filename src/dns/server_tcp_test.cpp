// The name server over TCP: messages in pieces and in line, clients that do not read, idle ones, limits.
#include <poll.h>

#include <algorithm>

#include "dns/server_test_support.h"

namespace swb::dns::test {
namespace {

// A TCP client made by hand.
class TcpClient {
  public:
    explicit TcpClient(const Endpoint& endpoint) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const SocketAddress server = SocketAddress::of(endpoint);
        connected_ = ::connect(fd_.get(), server.pointer(), server.size) == 0;
    }
    bool connected() const { return connected_; }
    void send(const Bytes& bytes) {
        EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
    }
    void endInput() { ::shutdown(fd_.get(), SHUT_WR); }
    // Whether the server ends the connection in order (and not by a reset) within the time.
    bool endsWithin(int milliseconds) {
        pollfd watched{fd_.get(), POLLIN, 0};
        char octet;
        return ::poll(&watched, 1, milliseconds) == 1 && ::recv(fd_.get(), &octet, 1, 0) == 0;
    }
    Bytes receive() {
        const Bytes length = exactly(2);
        return length.size() == 2 ? exactly(static_cast<size_t>(length[0] << 8 | length[1])) : Bytes();
    }
    // One recv call's worth.
    Bytes whatIsThere() {
        pollfd watched{fd_.get(), POLLIN, 0};
        if (::poll(&watched, 1, 5000) != 1) return {};
        Bytes bytes(70'000);
        bytes.resize(static_cast<size_t>(std::max<ssize_t>(::recv(fd_.get(), bytes.data(), bytes.size(), 0), 0)));
        return bytes;
    }

  private:
    Bytes exactly(size_t count) {
        Bytes bytes(count);
        for (size_t at = 0; at < count;) {
            pollfd watched{fd_.get(), POLLIN, 0};
            const ssize_t got = ::poll(&watched, 1, 5000) == 1 ? ::recv(fd_.get(), &bytes[at], count - at, 0) : 0;
            if (got <= 0) return {};
            at += static_cast<size_t>(got);
        }
        return bytes;
    }

    Fd fd_;
    bool connected_;
};

Bytes framed(const Bytes& message) {
    Bytes bytes;
    append16(bytes, static_cast<unsigned>(message.size()));
    bytes.insert(bytes.end(), message.begin(), message.end());
    return bytes;
}

Bytes numbered(unsigned id, std::string_view owner, uint16_t type) {
    Bytes bytes = query(owner, type);
    bytes[0] = static_cast<uint8_t>(id >> 8);
    bytes[1] = static_cast<uint8_t>(id);
    return framed(bytes);
}

TEST_F(DnsServer, TcpQueriesAreAnsweredInLine) {
    start();
    TcpClient client(endpoint());
    Bytes all;
    for (unsigned id = 0; id < 200; ++id) {
        const Bytes one = numbered(id, id % 3 ? "shop.fo.example" : "big.fo.example", id % 3 ? type::a : type::txt);
        all.insert(all.end(), one.begin(), one.end());
    }
    client.send(all);
    client.endInput();
    for (unsigned id = 0; id < 200; ++id) {
        const auto response = parseResponse(client.receive());
        ASSERT_TRUE(response);
        EXPECT_EQ(response->id, id);
        EXPECT_EQ(response->answers.size(), id % 3 ? 1u : 10u);
    }
    EXPECT_TRUE(client.endsWithin(2000)) << "a half-closed connection ends after its answers";
}

TEST_F(DnsServer, TcpMessagesMayComeInPiecesAndLeaveInOne) {
    start();
    TcpClient client(endpoint());
    for (const uint8_t octet : numbered(5, "shop.fo.example", type::a)) {
        client.send({octet});
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const Bytes bytes = client.whatIsThere();
    ASSERT_GT(bytes.size(), 2u);
    EXPECT_EQ(bytes.size(), size_t(bytes[0] << 8 | bytes[1]) + 2) << "length and message in one segment";
}

TEST_F(DnsServer, TcpPassesOverWhatIsNoQuery) {
    start();
    TcpClient client(endpoint());
    client.send({0, 0});
    client.send(framed({1, 2, 3}));
    client.send(framed(query("fo.example", type::soa, {}, 0x8000)));
    client.send(numbered(9, "fo.example", type::soa));
    EXPECT_EQ(parseResponse(client.receive())->id, 9);
}

TEST_F(DnsServer, TcpAClientThatDoesNotReadHoldsNobodyUp) {
    start(ServerOptions{.endpoints = {}, .tcpIdleTimeoutMs = 1500});
    TcpClient deaf(endpoint());
    Bytes many;
    while (many.size() < 60'000) {
        const Bytes one = numbered(1, "big.fo.example", type::txt);
        many.insert(many.end(), one.begin(), one.end());
    }
    std::thread pushing([&] {
        for (int i = 0; i < 4; ++i) deaf.send(many);
    });
    for (int i = 0; i < 50; ++i) {
        TcpClient other(endpoint());
        other.send(numbered(2, "shop.fo.example", type::a));
        ASSERT_FALSE(other.receive().empty());
    }
    pushing.join();
}

TEST_F(DnsServer, TcpIdleConnectionsEnd) {
    start(ServerOptions{.endpoints = {}, .tcpIdleTimeoutMs = 300});
    TcpClient silent(endpoint());
    TcpClient drip(endpoint());
    drip.send({0});
    EXPECT_TRUE(silent.endsWithin(3000));
    EXPECT_TRUE(drip.endsWithin(3000));
}

TEST_F(DnsServer, TcpLimitsPerClientAndInTotal) {
    start(ServerOptions{.endpoints = {}, .tcpConnectionsMax = 4, .tcpConnectionsPerClient = 3});
    const auto works = [](TcpClient& client) {
        client.send(numbered(1, "shop.fo.example", type::a));
        return !client.receive().empty();
    };
    std::vector<std::unique_ptr<TcpClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<TcpClient>(endpoint()));
        ASSERT_TRUE(works(*clients.back()));
    }
    TcpClient fourth(endpoint());
    EXPECT_TRUE(fourth.endsWithin(2000)) << "over the client's share";
    EXPECT_EQ(server_->counters().tcpRefusedConnections, 1u);
    clients.pop_back();
    for (int i = 0; i < 100; ++i) {
        // The server has to notice first that the connection ended.
        TcpClient next(endpoint());
        if (!next.endsWithin(20)) {
            EXPECT_TRUE(works(next));
            return;
        }
    }
    FAIL() << "a place was never given back";
}

}  // namespace
}  // namespace swb::dns::test
