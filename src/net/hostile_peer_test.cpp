// What arrives at the port may be anything: none of it may end the server or keep others from being served.
#include <random>

#include "net/loopback_test.h"

namespace swb::net::test {
namespace {

void writeAll(const Fd& fd, std::string_view bytes) {
    [[maybe_unused]] const auto written = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

// What comes until the other side closes; stops after the socket's 20 s.
std::string readAll(const Fd& fd) {
    std::string all;
    char bytes[4096];
    ssize_t count = 0;
    while ((count = ::recv(fd.get(), bytes, sizeof bytes, 0)) > 0) all.append(bytes, static_cast<size_t>(count));
    return all;
}

bool closedByPeer(const Fd& fd) {
    char byte = 0;
    return ::recv(fd.get(), &byte, 1, 0) <= 0 && errno != EAGAIN;
}

void expectServes(HttpServer& server) {
    TestClient client(server.port());
    EXPECT_EQ(client.request("GET", "/").status, 200);
}

TEST(HostilePeer, PlainHttpIsToldAboutHttps) {
    HttpServer server(serverSettings(), ignoreRequest);
    ASSERT_TRUE(server.start());
    const Fd fd = connectTo(server.port());
    writeAll(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = readAll(fd);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
    EXPECT_NE(answer.find("this port speaks HTTPS"), std::string::npos);
    expectServes(server);
}

TEST(HostilePeer, RandomBytes) {
    HttpServer server(serverSettings(), ignoreRequest);
    ASSERT_TRUE(server.start());
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
        const Fd fd = connectTo(server.port());
        std::string bytes(1 + random() % 2000, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random());
        // A third looks like the beginning of a TLS handshake.
        if (i % 3 == 0) bytes.insert(0, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
        writeAll(fd, bytes);
        if (i % 2 == 0) ::shutdown(fd.get(), SHUT_WR);
    }
    expectServes(server);
    EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
}

TEST(HostilePeer, RandomBytesInsideTls) {
    HttpServer server(serverSettings(), ignoreRequest);
    ASSERT_TRUE(server.start());
    std::mt19937 random(11);
    for (int i = 0; i < 50; ++i) {
        TestClient client(server.port());
        std::string bytes(1 + random() % 3000, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random());
        client.write(bytes + "\r\n\r\n");
    }
    expectServes(server);
    EXPECT_EQ(server.figures().requests, 1u);
}

TEST(HostilePeer, HalfOpenHandshakesTimeOut) {
    auto settings = serverSettings();
    settings.handshakeTimeoutMs = 150;
    HttpServer server(settings, ignoreRequest);
    ASSERT_TRUE(server.start());
    const Fd silent = connectTo(server.port());
    const Fd begun = connectTo(server.port());
    writeAll(begun, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    expectServes(server);
    EXPECT_TRUE(closedByPeer(silent));
    EXPECT_TRUE(closedByPeer(begun));
    EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
}

TEST(HostilePeer, RequestsThatTrickleInTimeOut) {
    auto settings = serverSettings();
    settings.requestTimeoutMs = 300;
    HttpServer server(settings, ignoreRequest);
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    const auto begin = std::chrono::steady_clock::now();
    client.write("GET / HTTP/1.1\r\n");
    for (int i = 0; i < 100 && server.figures().connections > 0; ++i) {
        client.write("X: y\r\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_FALSE(client.readMore());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2))
        << "each byte must not give it more time";
    EXPECT_EQ(server.figures().requests, 0u);
}

TEST(HostilePeer, IdleConnectionsAndEndlessOnesAreClosed) {
    auto settings = serverSettings();
    settings.idleTimeoutMs = 150;
    settings.requestsPerConnection = 3;
    HttpServer server(settings, ignoreRequest);
    ASSERT_TRUE(server.start());
    TestClient idle(server.port());
    EXPECT_EQ(idle.request("GET", "/").status, 200);
    EXPECT_FALSE(idle.readMore());

    TestClient endless(server.port());
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(endless.request("GET", "/").header.find("Connection: close"), std::string::npos);
    EXPECT_NE(endless.request("GET", "/").header.find("Connection: close"), std::string::npos);
    EXPECT_FALSE(endless.readMore());
}

TEST(HostilePeer, ConnectionsOverTheLimitAreClosed) {
    auto settings = serverSettings();
    settings.connections = 5;
    HttpServer server(settings, ignoreRequest);
    ASSERT_TRUE(server.start());
    std::vector<Fd> held;
    for (int i = 0; i < 5; ++i) held.push_back(connectTo(server.port()));
    ASSERT_TRUE(eventually([&] { return server.figures().connections == 5; }));
    const Fd over = connectTo(server.port());
    EXPECT_TRUE(closedByPeer(over));
    EXPECT_EQ(server.figures().refusedConnections, 1u);
    held.clear();
    ASSERT_TRUE(eventually([&] { return server.figures().connections == 0; }));
    expectServes(server);
}

TEST(HostilePeer, AFullWorkerQueueIs503) {
    auto settings = serverSettings();
    settings.workerThreads = 1;
    settings.workerQueue = 1;
    std::atomic<bool> hold = true;
    HttpServer server(settings, [&](HttpRequest, const HttpRespond& respond) {
        while (hold) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        respond(HttpResponse{});
    });
    ASSERT_TRUE(server.start());
    constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    TestClient running(server.port());
    running.write(request);
    ASSERT_TRUE(eventually([&] { return server.figures().requests == 1; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    TestClient waiting(server.port());
    waiting.write(request);
    ASSERT_TRUE(eventually([&] { return server.figures().requests == 2; }));
    TestClient over(server.port());
    const auto answer = over.request("GET", "/");
    EXPECT_EQ(answer.status, 503);
    EXPECT_NE(answer.body.find("SWB-BUSY"), std::string::npos);
    hold = false;
    EXPECT_EQ(running.answer().status, 200);
    EXPECT_EQ(waiting.answer().status, 200);
}

TEST(HostilePeer, OldTlsVersionsAreRefused) {
    HttpServer server(serverSettings(), ignoreRequest);
    ASSERT_TRUE(server.start());
    const Fd fd = connectTo(server.port());
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, 0);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    SSL_CTX_set_security_level(context, 0);
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, fd.get());
    EXPECT_NE(SSL_connect(ssl), 1);
    SSL_free(ssl);
    SSL_CTX_free(context);
    expectServes(server);
}

// Broken frames on an open WebSocket: unmasked, reserved bits, invalid UTF-8, a length that is a lie.
TEST(HostilePeer, BrokenWebSocketFrames) {
    std::atomic<int> messages = 0;
    std::atomic<int> closed = 0;
    HttpServer server(serverSettings(), ignoreRequest, [&](const WebSocketHandle&) -> Result<WebSocketCallbacks> {
        WebSocketCallbacks callbacks;
        callbacks.onMessage = [&](const std::string&) { ++messages; };
        callbacks.onClosed = [&](const Error&) { ++closed; };
        return callbacks;
    });
    ASSERT_TRUE(server.start());
    const std::vector<std::string> frames = {
        std::string("\x81\x01x", 3),
        std::string("\xf1\x81\x00\x00\x00\x00x", 7),
        std::string("\x81\x82\x00\x00\x00\x00\xc3\x28", 8),
        std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 14),
        std::string("\x8f\x80\x00\x00\x00\x00", 6),
    };
    for (const auto& frame : frames) {
        TestClient client(server.port(), &agentIdentity());
        ASSERT_EQ(client
                      .request("GET", "/v1/agent", {},
                               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
                      .status,
                  101);
        client.write(frame);
        while (client.readMore()) {
        }
    }
    EXPECT_TRUE(eventually([&] { return closed == static_cast<int>(frames.size()); })) << closed;
    EXPECT_EQ(messages, 0);
    expectServes(server);
}

}  // namespace
}  // namespace swb::net::test
