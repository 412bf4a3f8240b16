#include "net/http_server.h"

#include <future>

#include "base/json.h"
#include "net/loopback_test.h"

namespace swb::net::test {
namespace {

std::string errorCodeOf(const TestAnswer& answer) {
    const auto json = parseJson(answer.body);
    const Json* error = json ? memberAt(*json, "error") : nullptr;
    return error ? textAt(*error, "code") : "";
}

// Answers with what it was asked.
void echo(HttpRequest request, const HttpRespond& respond) {
    HttpResponse response;
    response.body = toText(JsonObject{{"method", request.method},
                                      {"path", request.path},
                                      {"wait", request.parameter("wait")},
                                      {"token", request.header("AUTHORIZATION")},
                                      {"bytes", request.body.size()},
                                      {"from", request.remoteAddress},
                                      {"name", request.clientCertificateName.value_or("")}});
    response.headers.emplace_back("X-Test", "yes");
    respond(std::move(response));
}

TEST(HttpServer, RequestAndAnswerRoundTrip) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    for (int i = 0; i < 3; ++i) {  // on one connection
        const auto answer = client.request("POST", "/v1/groups/sh%6fp?wait=5", "hello", "Authorization: Bearer t\r\n");
        EXPECT_EQ(answer.status, 200);
        EXPECT_NE(answer.header.find("X-Test: yes\r\n"), std::string::npos) << answer.header;
        EXPECT_NE(answer.header.find("Date: "), std::string::npos);
        EXPECT_EQ(answer.body, R"({"method":"POST","path":"/v1/groups/shop","wait":"5","token":"Bearer t","bytes":5,)"
                               R"("from":"127.0.0.1","name":""})");
    }
    EXPECT_EQ(server.figures().requests, 3u);
    EXPECT_EQ(server.figures().accepted, 1u);
}

TEST(HttpServer, HeadHasTheLengthButNoBody) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    client.write("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    while (client.readMore()) {
    }
    const std::string& all = client.buffer();
    EXPECT_NE(all.find("Content-Length: "), std::string::npos);
    EXPECT_EQ(all.find("\"path\":\"/x\""), std::string::npos) << all;
    EXPECT_NE(all.find("\"path\":\"/y\""), std::string::npos) << "pipelined request: " << all;
}

TEST(HttpServer, ClientCertificateGivesTheName) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient client(server.port(), &agentIdentity());
    EXPECT_NE(client.request("GET", "/").body.find(R"("name":"fra-1")"), std::string::npos);
}

TEST(HttpServer, WrongClientCertificatesEndTheHandshake) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    const TestAuthority stranger;
    const TlsIdentity wrongAuthority = stranger.issue("fra-1");
    const TlsIdentity expired = authority().issue("fra-1", -1);
    for (const auto* identity : {&wrongAuthority, &expired}) {
        TestClient client(server.port(), identity);
        EXPECT_EQ(client.request("GET", "/").status, 0);
    }
    EXPECT_TRUE(eventually([&] { return server.figures().failedHandshakes == 2; }));
    EXPECT_EQ(server.figures().requests, 0u);
}

TEST(HttpServer, LargeBodiesUpToTheLimit) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    const std::string most(limits::bodyBytes, 'x');
    EXPECT_NE(client.request("POST", "/", most).body.find("\"bytes\":1048576"), std::string::npos);

    const auto answer = client.request("POST", "/", most + "x");
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(errorCodeOf(answer), "SWB-TOO-LARGE");
    EXPECT_FALSE(client.readMore()) << "the connection is closed after it";
}

TEST(HttpServer, ChunkedBodyOverTheLimitIsRefusedToo) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "40000\r\n" + std::string(0x40000, 'x') + "\r\n";
    for (int i = 0; i < 5; ++i) client.write(chunk);
    const auto answer = client.answer();
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(errorCodeOf(answer), "SWB-TOO-LARGE");
}

TEST(HttpServer, ExpectContinueIsAnswered) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    client.write("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(client.answer().status, 100);
    client.write("abc");
    EXPECT_NE(client.answer().body.find("\"bytes\":3"), std::string::npos);
}

TEST(HttpServer, HeadersOverTheLimitAre431) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    for (const size_t bytes : {limits::headerBytes + 1, 20 * limits::headerBytes}) {
        TestClient client(server.port());
        const auto answer = client.request("GET", "/", {}, "X-Long: " + std::string(bytes, 'x') + "\r\n");
        EXPECT_EQ(answer.status, 431);
        EXPECT_EQ(errorCodeOf(answer), "SWB-TOO-LARGE");
    }
    TestClient client(server.port());
    EXPECT_EQ(client.request("GET", "/", {}, "X-Long: " + std::string(8 << 10, 'x') + "\r\n").status, 200);
}

TEST(HttpServer, WhatIsNotARequestIs400) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    for (const char* text : {"GET / HTTP/9.9\r\n\r\n", "\x01\x02\x03\r\n\r\n", "GET /%2F HTTP/1.1\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
        TestClient client(server.port());
        client.write(text);
        const auto answer = client.answer();
        EXPECT_EQ(answer.status, 400) << text;
        EXPECT_EQ(errorCodeOf(answer), "SWB-INVALID-INPUT") << text;
    }
}

TEST(HttpServer, NoContentHasNoBodyAndKeepsTheConnection) {
    HttpServer server(serverSettings(), [](HttpRequest request, const HttpRespond& respond) {
        HttpResponse response;
        response.status = request.method == "DELETE" ? 204 : 200;
        response.body = "text";
        respond(response);
    });
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    const auto answer = client.request("DELETE", "/");
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.header.find("Content-Length"), std::string::npos);
    EXPECT_EQ(client.request("GET", "/").body, "text");
}

TEST(HttpServer, CurlUnderstandsIt) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    const TestDirectory directory;
    const std::string authorityFile = directory.write("ca.pem", authority().pem());
    const std::string certificateFile = directory.write("agent.pem", agentIdentity().certificatePem);
    const std::string keyFile = directory.write("agent.key", agentIdentity().privateKeyPem.reveal());
    const std::string bodyFile = directory.write("body", std::string(limits::bodyBytes, 'x'));
    const std::string base = "https://localhost:" + std::to_string(server.port());
    const auto curl = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(),
                         {"curl", "--silent", "--show-error", "--max-time", "20", "--cacert", authorityFile});
        return directory.run(arguments);
    };
    EXPECT_NE(curl({base + "/v1/a?wait=7"}).find(R"("path":"/v1/a","wait":"7")"), std::string::npos);
    EXPECT_NE(curl({"--cert", certificateFile, "--key", keyFile, base}).find(R"("name":"fra-1")"), std::string::npos);
    // curl asks with Expect: 100-continue for bodies of this size.
    EXPECT_NE(curl({"--data-binary", "@" + bodyFile, base}).find(R"("bytes":1048576)"), std::string::npos);
    directory.write("body", std::string(limits::bodyBytes + 1, 'x'));
    EXPECT_NE(curl({"--data-binary", "@" + bodyFile, base}).find("SWB-TOO-LARGE"), std::string::npos);
    EXPECT_NE(curl({"--head", base}).find("HTTP/1.1 200"), std::string::npos);
    EXPECT_NE(curl({"http://localhost:" + std::to_string(server.port())}).find("speaks HTTPS"), std::string::npos);
}

TEST(HttpServer, SlowHandlersDoNotBlockOthers) {
    std::promise<void> release;
    auto released = release.get_future().share();
    HttpServer server(serverSettings(), [&](HttpRequest request, const HttpRespond& respond) {
        if (request.path == "/slow") released.wait();
        respond(HttpResponse{});
    });
    ASSERT_TRUE(server.start());
    TestClient slow(server.port());
    slow.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    TestClient quick(server.port());
    for (int i = 0; i < 20; ++i) EXPECT_EQ(quick.request("GET", "/quick").status, 200);
    release.set_value();
    EXPECT_EQ(slow.answer().status, 200);
}

TEST(HttpServer, AnswersMayComeLaterFromAnyThreadAndOnce) {
    std::thread late;
    HttpServer server(serverSettings(), [&](HttpRequest, const HttpRespond& respond) {
        late = std::thread([respond] {
            HttpResponse first;
            first.body = "first";
            respond(first);
            HttpResponse second;
            second.body = "second";
            respond(second);
        });
    });
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    EXPECT_EQ(client.request("GET", "/").body, "first");
    late.join();
}

TEST(HttpServer, ADroppedOrThrowingHandlerIs500AndASilentOne504) {
    auto settings = serverSettings();
    settings.handlerTimeoutMs = 100;
    std::vector<HttpRespond> kept;
    HttpServer server(settings, [&](HttpRequest request, const HttpRespond& respond) {
        if (request.path == "/throw") throw std::runtime_error("on purpose");
        if (request.path == "/keep") kept.push_back(respond);
    });
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    for (const char* path : {"/drop", "/throw"}) {
        const auto answer = client.request("GET", path);
        EXPECT_EQ(answer.status, 500);
        EXPECT_EQ(errorCodeOf(answer), "SWB-BUG");
    }
    const auto answer = client.request("GET", "/keep");
    EXPECT_EQ(answer.status, 504);
    EXPECT_EQ(errorCodeOf(answer), "SWB-OUTCOME-UNKNOWN");
    server.stop();
    kept.at(0)(HttpResponse{});  // after everything: no effect
}

TEST(HttpServer, ControlCharactersInAnswerHeadersAreLeftOut) {
    HttpServer server(serverSettings(), [](HttpRequest, const HttpRespond& respond) {
        HttpResponse response;
        response.headers = {{"X-Bad", "a\r\nX-Injected: b"}, {"X-Good", "c"}};
        respond(response);
    });
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    const auto answer = client.request("GET", "/");
    EXPECT_EQ(answer.header.find("Injected"), std::string::npos);
    EXPECT_NE(answer.header.find("X-Good: c"), std::string::npos);
}

TEST(HttpServer, TwoHundredConnectionsAtOnce) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            std::vector<std::unique_ptr<TestClient>> clients;
            for (int j = 0; j < 25; ++j) clients.push_back(std::make_unique<TestClient>(server.port()));
            for (int round = 0; round < 2; ++round) {
                for (auto& client : clients) good += client->request("POST", "/", "body").status == 200;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 400);
    EXPECT_EQ(server.figures().accepted, 200u);
    EXPECT_TRUE(eventually([&] { return server.figures().connections == 0; }));
}

TEST(HttpServer, ListensOnSeveralAddressesOrOnNone) {
    auto settings = serverSettings();
    settings.listen = {{"127.0.0.1", 0}, {"127.0.0.2", 0}};
    HttpServer server(settings, echo);
    ASSERT_TRUE(server.start());
    ASSERT_EQ(server.addresses().size(), 2u);
    EXPECT_EQ(server.addresses()[1].address, "127.0.0.2");
    EXPECT_NE(server.addresses()[1].port, 0);

    settings.listen = {{"127.0.0.1", 0}, {"127.0.0.1", server.port()}};
    HttpServer second(settings, echo);
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message.find(std::to_string(server.port())), std::string::npos);
    EXPECT_TRUE(second.addresses().empty());
    settings.listen = {{"localhost", 0}};
    HttpServer third(settings, echo);
    EXPECT_EQ(third.start().error().code, ErrorCode::InvalidInput);
}

TEST(HttpServer, ReloadedCertificateServesNewConnections) {
    HttpServer server(serverSettings(), echo);
    ASSERT_TRUE(server.start());
    TestClient before(server.port());
    const TestAuthority other;
    ASSERT_TRUE(server.reloadCertificate(other.issue("controller")));
    EXPECT_EQ(before.request("GET", "/").status, 200);
    TestClient after(server.port());
    EXPECT_FALSE(after.open()) << "the client does not know the new authority";
    ASSERT_FALSE(server.reloadCertificate(TlsIdentity{"nonsense", Secret("nonsense"), authority().pem()}));
    ASSERT_TRUE(server.reloadCertificate(serverIdentity()));
    TestClient again(server.port());
    EXPECT_EQ(again.request("GET", "/").status, 200);
}

TEST(HttpServer, StopLetsARunningAnswerFinish) {
    std::promise<void> entered;
    HttpServer server(serverSettings(), [&](HttpRequest, const HttpRespond& respond) {
        entered.set_value();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        respond(HttpResponse{});
    });
    ASSERT_TRUE(server.start());
    TestClient idle(server.port());
    TestClient busy(server.port());
    busy.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    entered.get_future().wait();
    const auto begin = std::chrono::steady_clock::now();
    std::thread stopper([&] { server.stop(); });
    const auto answer = busy.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.header.find("Connection: close"), std::string::npos);
    stopper.join();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    EXPECT_FALSE(idle.readMore());
}

TEST(HttpServer, StopEndsWithinTwoSecondsWhenNobodyCooperates) {
    std::vector<HttpRespond> kept;
    HttpServer server(serverSettings(), [&](HttpRequest request, const HttpRespond& respond) {
        if (request.path == "/large") {
            HttpResponse response;
            response.body.assign(64 << 20, 'x');
            return respond(std::move(response));
        }
        kept.push_back(respond);
    });
    ASSERT_TRUE(server.start());
    TestClient unanswered(server.port());
    unanswered.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    TestClient notReading(server.port());
    notReading.write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    const Fd silent = connectTo(server.port());
    ASSERT_TRUE(eventually([&] { return server.figures().requests == 2; }));
    const auto begin = std::chrono::steady_clock::now();
    server.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    EXPECT_EQ(server.figures().connections, 0u);
}

}  // namespace
}  // namespace swb::net::test
