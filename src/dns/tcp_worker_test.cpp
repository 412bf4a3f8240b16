// How the TCP thread treats connections; that it answers at all is server_test.cpp's.
#include <poll.h>

#include "dns/dns_test_support.h"
#include "dns/server.h"

namespace swb::dns::test {
namespace {

class TcpWorkerTest : public testing::Test {
  protected:
    void start(ServerOptions options) {
        options.endpoints = {*Endpoint::fromText("127.0.0.1:0")};
        auto server = Server::start(options, ZoneSet::of({exampleZone()}));
        ASSERT_TRUE(server) << describe(server.error());
        server_ = *std::move(server);
    }

    Fd connect() {
        Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const SocketAddress to = SocketAddress::of(server_->endpoints().front());
        EXPECT_EQ(::connect(fd.get(), to.pointer(), to.size), 0);
        return fd;
    }

    static void send(const Fd& fd, const Bytes& message) {
        Bytes bytes;
        append16(bytes, static_cast<unsigned>(message.size()));
        bytes.insert(bytes.end(), message.begin(), message.end());
        EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
    }

    // What one recv call gives within five seconds; negative for a reset.
    static ssize_t receive(const Fd& fd, Bytes& bytes) {
        pollfd watched{fd.get(), POLLIN, 0};
        if (::poll(&watched, 1, 5000) != 1) return -2;
        bytes.resize(70'000);
        const ssize_t count = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
        bytes.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
        return count;
    }

    std::unique_ptr<Server> server_;
};

const Bytes keepaliveOption = {0, 11, 0, 0};

TEST_F(TcpWorkerTest, SaysHowLongItKeepsAnIdleConnectionToWhoAsks) {
    start(ServerOptions{.endpoints = {}, .tcpIdleTimeoutMs = 7000});
    const Fd fd = connect();
    Bytes received;
    send(fd, query("shop.fo.example", type::a, {Edns{.options = keepaliveOption}}));
    ASSERT_GT(receive(fd, received), 2);
    auto response = parseResponse(std::span(received).subspan(2));
    ASSERT_TRUE(response);
    ASSERT_NE(optOf(*response), nullptr);
    EXPECT_EQ(optOf(*response)->data, Rdata("\0\x0b\0\2\0\x46", 6)) << "70 tenths of a second";
    send(fd, query("shop.fo.example", type::a, {Edns{}}));
    ASSERT_GT(receive(fd, received), 2);
    response = parseResponse(std::span(received).subspan(2));
    ASSERT_TRUE(response);
    EXPECT_TRUE(optOf(*response)->data.empty()) << "nobody asked";
}

TEST_F(TcpWorkerTest, OverUdpTheOptionMeansNothing) {
    const Response response = answered(query("shop.fo.example", type::a, {Edns{.options = keepaliveOption}}));
    ASSERT_NE(optOf(response), nullptr);
    EXPECT_TRUE(optOf(response)->data.empty());
}

TEST_F(TcpWorkerTest, ARefusedClientThatHasAskedSeesAnEndAndNoReset) {
    start(ServerOptions{.endpoints = {}, .tcpConnectionsPerClient = 1});
    const Fd first = connect();
    Bytes received;
    send(first, query("shop.fo.example", type::a));
    ASSERT_GT(receive(first, received), 2);
    for (int i = 0; i < 20; ++i) {
        const Fd refused = connect();
        send(refused, query("shop.fo.example", type::a));
        EXPECT_EQ(receive(refused, received), 0) << "attempt " << i;
    }
    send(first, query("shop.fo.example", type::a));
    EXPECT_GT(receive(first, received), 2) << "the one that came first is served on";
}

TEST_F(TcpWorkerTest, ManyQueriesAtOnceAreAllAnswered) {
    start(ServerOptions{});
    const Fd fd = connect();
    // More than one turn's worth of answers (2 KiB each), sent before any is read.
    constexpr int count = 400;
    for (int i = 0; i < count; ++i) send(fd, query("big.fo.example", type::txt));
    size_t total = 0;
    size_t answerBytes = 0;
    Bytes received;
    while (receive(fd, received) > 0) {
        if (answerBytes == 0) answerBytes = static_cast<size_t>(received[0] << 8 | received[1]) + 2;
        total += received.size();
        if (total >= answerBytes * count) break;
    }
    EXPECT_EQ(total, answerBytes * count);
}

}  // namespace
}  // namespace swb::dns::test
