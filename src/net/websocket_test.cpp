#include <algorithm>
#include <atomic>

#include "base/log.h"
#include "net/loopback_test.h"

namespace swb::net::test {
namespace {

// A server whose side of the WebSocket is recorded.
class LinkServer {
  public:
    explicit LinkServer(HttpServerSettings settings = serverSettings()) { start(std::move(settings)); }

    void start(HttpServerSettings settings) {
        server.emplace(std::move(settings), ignoreRequest, [this](const WebSocketHandle& session) {
            record.opened(session);
            WebSocketCallbacks callbacks;
            callbacks.onMessage = [this, session](std::string text) {
                if (text.starts_with("echo ")) session->send(text.substr(5));
                record.message(std::move(text));
            };
            callbacks.onClosed = [this](const Error& error) { record.closed(error); };
            return Result<WebSocketCallbacks>(callbacks);
        });
        const auto started = server->start();
        ASSERT_TRUE(started) << describe(started.error());
    }
    uint16_t port() const { return server->port(); }

    Record record;
    std::optional<HttpServer> server;
};

TEST(WebSocket, MessagesInBothDirectionsInOrder) {
    LinkServer link;
    Record record;
    WebSocketClient client(targetOf(link.port()), record.events());
    ASSERT_TRUE(record.waitOpens(1));
    EXPECT_EQ(record.session()->peerName(), "controller");
    EXPECT_EQ(record.session()->remoteAddress(), "127.0.0.1");
    ASSERT_TRUE(link.record.waitOpens(1));
    EXPECT_EQ(link.record.session()->peerName(), "fra-1");
    EXPECT_EQ(link.record.session()->remoteAddress(), "127.0.0.1");

    std::vector<std::string> expected;
    for (int i = 0; i < 500; ++i) {
        expected.push_back("message " + std::to_string(i));
        EXPECT_TRUE(client.send("echo " + expected.back()));
    }
    ASSERT_TRUE(record.waitMessages(500));
    EXPECT_EQ(record.messages(), expected);
    EXPECT_EQ(link.server->figures().webSockets, 1u);
    EXPECT_EQ(link.server->figures().connections, 0u) << "WebSockets have their own limit";

    client.close("enough");
    ASSERT_TRUE(link.record.waitClosed());
    EXPECT_NE(link.record.errors()[0].message.find("enough"), std::string::npos) << link.record.errors()[0].message;
    ASSERT_TRUE(record.waitClosed());
    EXPECT_FALSE(client.send("x"));
}

TEST(WebSocket, OneMebibyteMessages) {
    LinkServer link;
    Record record;
    WebSocketClient client(targetOf(link.port()), record.events());
    ASSERT_TRUE(record.waitOpens(1));
    std::string large(1 << 20, 'x');
    for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 26);
    ASSERT_TRUE(client.send("echo " + large));
    ASSERT_TRUE(record.waitMessages(1));
    EXPECT_EQ(record.messages()[0], large);
}

TEST(WebSocket, FrameOverTheLimitClosesTheSession) {
    LinkServer link;
    Record record;
    WebSocketClient client(targetOf(link.port()), record.events());
    ASSERT_TRUE(record.waitOpens(1));
    ASSERT_TRUE(client.send(std::string(limits::linkFrameBytes, 'x')));
    ASSERT_TRUE(link.record.waitMessages(1)) << "the limit itself passes";
    ASSERT_TRUE(client.send(std::string(limits::linkFrameBytes + 1, 'x')));
    ASSERT_TRUE(link.record.waitClosed());
    EXPECT_EQ(link.record.errors()[0].code, ErrorCode::TooLarge);
    ASSERT_TRUE(record.waitClosed());
    EXPECT_EQ(link.record.messages().size(), 1u);
}

TEST(WebSocket, WithoutACertificateThereIsNoUpgrade) {
    LinkServer link;
    TestClient client(link.port());
    const auto answer = client.request("GET", "/v1/agent", {},
                                       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    EXPECT_EQ(answer.status, 401);
    EXPECT_NE(answer.body.find("SWB-CERTIFICATE-REJECTED"), std::string::npos);
    TestClient plain(link.port(), &agentIdentity());
    EXPECT_EQ(plain.request("GET", "/v1/agent").status, 400);
    EXPECT_EQ(link.record.opens(), 0u);
}

TEST(WebSocket, WrongOrExpiredClientCertificateIsRefused) {
    LinkServer link;
    const TestAuthority stranger;
    TlsIdentity wrong = stranger.issue("fra-1");
    wrong.authorityPem = authority().pem();
    for (const auto& identity : {wrong, authority().issue("fra-1", -1)}) {
        Record record;
        WebSocketClient client(targetOf(link.port(), identity), record.events());
        ASSERT_TRUE(record.waitClosed());
        EXPECT_EQ(record.opens(), 0u);
    }
    EXPECT_EQ(link.record.opens(), 0u);
}

TEST(WebSocket, ClientRefusesAServerOfAnotherAuthorityOrName) {
    LinkServer link;
    TlsIdentity identity = agentIdentity();
    const TestAuthority stranger;
    identity.authorityPem = stranger.pem();
    Record wrongAuthority;
    WebSocketClient first(targetOf(link.port(), identity), wrongAuthority.events());
    ASSERT_TRUE(wrongAuthority.waitClosed());
    EXPECT_EQ(wrongAuthority.errors()[0].code, ErrorCode::CertificateRejected) << wrongAuthority.errors()[0].message;

    auto target = targetOf(link.port());
    target.serverName = "other.example";
    Record wrongName;
    WebSocketClient second(target, wrongName.events());
    ASSERT_TRUE(wrongName.waitClosed());
    EXPECT_EQ(wrongName.errors()[0].code, ErrorCode::CertificateRejected) << wrongName.errors()[0].message;
    EXPECT_EQ(wrongName.opens() + wrongAuthority.opens() + link.record.opens(), 0u);

    target.serverName = "";
    target.host = "localhost";
    Record rightName;
    WebSocketClient third(target, rightName.events());
    EXPECT_TRUE(rightName.waitOpens(1));
}

TEST(WebSocket, NobodyListeningAndNobodyAnswering) {
    Record refused;
    uint16_t freePort = 0;
    {
        LinkServer link;
        freePort = link.port();
    }
    WebSocketClient first(targetOf(freePort), refused.events());
    ASSERT_TRUE(refused.waitClosed());
    EXPECT_EQ(refused.errors()[0].code, ErrorCode::Unreachable);

    // Accepts TCP in the kernel's backlog and never says a word.
    Fd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(silent.get(), 8), 0);
    ASSERT_EQ(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    auto target = targetOf(ntohs(address.sin_port));
    target.connectTimeoutMs = 200;
    Record record;
    const auto begin = std::chrono::steady_clock::now();
    WebSocketClient second(target, record.events());
    ASSERT_TRUE(record.waitClosed());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    EXPECT_NE(record.errors()[0].message.find("too long"), std::string::npos) << record.errors()[0].message;
}

TEST(WebSocket, AcceptorsRefusalIsTheCloseReason) {
    HttpServer server(serverSettings(), ignoreRequest, [](const WebSocketHandle&) -> Result<WebSocketCallbacks> {
        return fail(ErrorCode::Forbidden, "no such server");
    });
    ASSERT_TRUE(server.start());
    Record record;
    WebSocketClient client(targetOf(server.port()), record.events());
    ASSERT_TRUE(record.waitClosed());
    EXPECT_NE(record.errors()[0].message.find("SWB-FORBIDDEN: no such server"), std::string::npos)
        << record.errors()[0].message;
}

TEST(WebSocket, ServerClosesWithAReasonAfterWhatIsQueued) {
    LinkServer link;
    Record record;
    WebSocketClient client(targetOf(link.port()), record.events());
    ASSERT_TRUE(link.record.waitOpens(1));
    const auto session = link.record.session();
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(session->send(std::string(10'000, 'x')));
    session->close(std::string(500, 'r'));
    session->close("a second reason does not count");
    EXPECT_FALSE(session->send("too late"));
    ASSERT_TRUE(record.waitClosed());
    EXPECT_EQ(record.messages().size(), 50u);
    EXPECT_NE(record.errors()[0].message.find("rrrr"), std::string::npos);
    ASSERT_TRUE(link.record.waitClosed());
    EXPECT_EQ(link.record.errors().size(), 1u);
}

TEST(WebSocket, PeerThatDoesNotReadIsCut) {
    auto settings = serverSettings();
    settings.sendQueueBytes = 1 << 20;
    LinkServer link(settings);
    TestClient peer(link.port(), &agentIdentity(), 4096);
    ASSERT_EQ(peer.request("GET", "/v1/agent", {},
                           "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
                  .status,
              101);
    ASSERT_TRUE(link.record.waitOpens(1));
    const auto session = link.record.session();
    size_t sent = 0;
    while (session->send(std::string(64 << 10, 'x'))) ASSERT_LT(++sent, 10'000u);
    ASSERT_TRUE(link.record.waitClosed());
    EXPECT_EQ(link.record.errors()[0].code, ErrorCode::Busy) << link.record.errors()[0].message;
    EXPECT_TRUE(eventually([&] { return link.server->figures().webSockets == 0; }));
}

TEST(WebSocket, SilentPeerIsClosed) {
    auto settings = serverSettings();
    settings.webSocketSilenceMs = 200;
    LinkServer link(settings);
    TestClient peer(link.port(), &agentIdentity());  // does not answer pings
    peer.request("GET", "/v1/agent", {},
                 "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    Record record;
    WebSocketClient answering(targetOf(link.port()), record.events());
    ASSERT_TRUE(link.record.waitClosed());
    EXPECT_NE(link.record.errors()[0].message.find("silent"), std::string::npos) << link.record.errors()[0].message;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_EQ(record.errors().size(), 0u) << "pings keep an idle but living session";
}

TEST(WebSocket, CallbacksThatLagHoldThePeerBack) {
    std::atomic<bool> hold = true;
    std::atomic<size_t> bytes = 0;
    HttpServer server(serverSettings(), ignoreRequest, [&](const WebSocketHandle&) -> Result<WebSocketCallbacks> {
        WebSocketCallbacks callbacks;
        callbacks.onMessage = [&](const std::string& text) {
            while (hold) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            bytes += text.size();
        };
        return callbacks;
    });
    ASSERT_TRUE(server.start());
    auto target = targetOf(server.port());
    target.sendQueueBytes = 64 << 20;
    Record record;
    WebSocketClient client(target, record.events());
    ASSERT_TRUE(record.waitOpens(1));
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.send(std::string(1 << 20, 'x')));
    // A second connection is served meanwhile.
    TestClient http(server.port());
    EXPECT_EQ(http.request("GET", "/").status, 200);
    hold = false;
    EXPECT_TRUE(eventually([&] { return bytes == 40u << 20; }));
}

TEST(WebSocket, HandleOutlivesTheServer) {
    WebSocketHandle kept;
    {
        LinkServer link;
        Record record;
        WebSocketClient client(targetOf(link.port()), record.events());
        ASSERT_TRUE(link.record.waitOpens(1));
        kept = link.record.session();
    }
    EXPECT_TRUE(kept->closed());
    EXPECT_FALSE(kept->send("x"));
    kept->close("again");
    EXPECT_EQ(kept->peerName(), "fra-1");
}

TEST(WebSocket, StopDeliversOnClosedToEverySession) {
    LinkServer link;
    std::vector<std::unique_ptr<Record>> records;
    std::vector<std::unique_ptr<WebSocketClient>> clients;
    for (int i = 0; i < 10; ++i) {
        records.push_back(std::make_unique<Record>());
        clients.push_back(std::make_unique<WebSocketClient>(targetOf(link.port()), records.back()->events()));
    }
    ASSERT_TRUE(link.record.waitOpens(10));
    const auto begin = std::chrono::steady_clock::now();
    link.server->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    EXPECT_EQ(link.record.errors().size(), 10u);
    for (auto& record : records) {
        ASSERT_TRUE(record->waitClosed());
        EXPECT_NE(record->errors()[0].message.find("the server stops"), std::string::npos);
    }
}

TEST(PersistentWebSocket, ReconnectsSoonAfterARestart) {
    auto link = std::make_unique<LinkServer>();
    auto settings = serverSettings();
    settings.listen[0].port = link->port();
    Record record;
    PersistentWebSocket client(targetOf(link->port()), record.events());
    ASSERT_TRUE(record.waitOpens(1));
    EXPECT_TRUE(eventually([&] { return client.connected(); }));
    ASSERT_TRUE(client.send("echo one"));
    ASSERT_TRUE(record.waitMessages(1));

    link->server->stop();
    ASSERT_TRUE(record.waitClosed());
    EXPECT_FALSE(client.send("lost"));
    EXPECT_FALSE(client.connected());
    link.reset();
    link = std::make_unique<LinkServer>(settings);
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(record.waitOpens(2));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
    ASSERT_TRUE(client.send("echo two"));
    ASSERT_TRUE(record.waitMessages(2));
    EXPECT_EQ(record.messages(), (std::vector<std::string>{"one", "two"}));
    client.stop();
    const size_t closed = record.errors().size();
    EXPECT_GE(closed, 2u);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(record.errors().size(), closed) << "no event after stop()";
}

// Asked for at every moment of the first attempt: while dialling, in between, and with the session open.
TEST(PersistentWebSocket, ReconnectTakesUpANewIdentity) {
    LinkServer link;
    const TlsIdentity renewed = authority().issue("fra-1-renewed");
    for (int delay = 0; delay < 10; ++delay) {
        std::atomic<bool> isRenewed = false;
        Record record;
        PersistentWebSocket client([&] { return targetOf(link.port(), isRenewed ? renewed : agentIdentity()); },
                                   record.events());
        std::this_thread::sleep_for(std::chrono::milliseconds(delay));
        isRenewed = true;
        client.reconnect("the certificate was renewed");
        EXPECT_TRUE(eventually([&] {
            const auto session = link.record.session();
            return session && !session->closed() && session->peerName() == "fra-1-renewed";
        })) << "after "
            << delay << " ms";
        client.stop();
        EXPECT_TRUE(eventually([&] { return link.record.session()->closed(); }));
    }
}

TEST(PersistentWebSocket, StopsAtOnceWhileDialling) {
    uint16_t freePort = 0;
    {
        LinkServer link;
        freePort = link.port();
    }
    Record record;
    PersistentWebSocket client(targetOf(freePort), record.events());
    ASSERT_TRUE(record.waitClosed(4)) << "keeps trying";
    const auto begin = std::chrono::steady_clock::now();
    client.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
    EXPECT_EQ(record.opens(), 0u);
}

// Two such round trips are within the outage of a switch.
TEST(WebSocket, SmallMessageRoundTrip) {
    LinkServer link;
    std::mutex mutex;
    std::condition_variable arrived;
    int count = 0;
    WebSocketEvents events;
    events.onMessage = [&](const std::string&) {
        std::lock_guard lock(mutex);
        ++count;
        arrived.notify_all();
    };
    Record record;
    events.onOpen = [&](const WebSocketHandle& session) { record.opened(session); };
    WebSocketClient client(targetOf(link.port()), events);
    ASSERT_TRUE(record.waitOpens(1));
    std::vector<double> milliseconds;
    for (int i = 0; i < 2000; ++i) {
        const double begin = preciseMs();
        ASSERT_TRUE(client.send("echo ping"));
        std::unique_lock lock(mutex);
        ASSERT_TRUE(arrived.wait_for(lock, std::chrono::seconds(10), [&] { return count > i; }));
        milliseconds.push_back(preciseMs() - begin);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    RecordProperty("medianMicroseconds", static_cast<int>(milliseconds[1000] * 1000));
    RecordProperty("p99Microseconds", static_cast<int>(milliseconds[1980] * 1000));
    // Not the goal (0.2 ms) but what a sanitizer build on a busy machine keeps; a delayed acknowledgement costs 40 ms.
    EXPECT_LT(milliseconds[1000], 5.0);
    if (std::getenv("SWB_PRINT_FIGURES") != nullptr) {
        std::printf("WebSocket round trip over mutual TLS: median %.3f ms, p99 %.3f ms\n", milliseconds[1000],
                    milliseconds[1980]);
    }
}

}  // namespace
}  // namespace swb::net::test
