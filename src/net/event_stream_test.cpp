#include "net/event_stream.h"

#include <atomic>

#include "net/loopback_test.h"

namespace swb::net::test {
namespace {

// Hands out its streams to the test.
class StreamServer {
  public:
    explicit StreamServer(HttpServerSettings settings = serverSettings(), size_t queueBytes = 256 << 10)
        : server(std::move(settings), [this, queueBytes](HttpRequest, const HttpRespond& respond) {
              auto stream = std::make_shared<EventStream>(queueBytes);
              HttpResponse response;
              response.stream = stream;
              respond(std::move(response));
              std::lock_guard lock(mutex_);
              streams_.push_back(std::move(stream));
          }) {
        EXPECT_TRUE(server.start());
    }
    std::shared_ptr<EventStream> stream(size_t index) {
        EXPECT_TRUE(eventually([&] {
            std::lock_guard lock(mutex_);
            return streams_.size() > index;
        }));
        std::lock_guard lock(mutex_);
        return streams_.at(index);
    }
    void forget() {
        std::lock_guard lock(mutex_);
        streams_.clear();
    }

  private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<EventStream>> streams_;

  public:
    HttpServer server;  // last: its handlers use the rest
};

void ask(TestClient& client) {
    client.write("GET /v1/events HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(EventStream, WireForm) {
    EXPECT_EQ(EventStream::format("7", "run", "{\"a\":1}"), "id: 7\nevent: run\ndata: {\"a\":1}\n\n");
    EXPECT_EQ(EventStream::format("", "", "two\nlines"), "data: two\ndata: lines\n\n");
    EXPECT_EQ(EventStream::format("", "", ""), "data: \n\n");
}

TEST(EventStream, EventsArriveAsTheyAreSent) {
    StreamServer fixture;
    TestClient client(fixture.server.port());
    ask(client);
    const auto stream = fixture.stream(0);
    ASSERT_TRUE(client.readUntil("\r\n\r\n"));
    EXPECT_NE(client.buffer().find("Content-Type: text/event-stream"), std::string::npos) << client.buffer();
    EXPECT_NE(client.buffer().find("Transfer-Encoding: chunked"), std::string::npos);
    for (int i = 0; i < 3; ++i) {
        const std::string event = EventStream::format(std::to_string(i), "step", "number " + std::to_string(i));
        EXPECT_TRUE(stream->send(event));
        EXPECT_TRUE(client.readUntil(event));
    }
    EXPECT_EQ(fixture.server.figures().eventStreams, 1u);
    stream->close();
    EXPECT_FALSE(stream->send("x"));
    EXPECT_TRUE(client.readUntil("\r\n0\r\n\r\n")) << "an orderly end";
    EXPECT_TRUE(eventually([&] { return fixture.server.figures().eventStreams == 0; }));
}

TEST(EventStream, WhatIsSentBeforeTheAnswerIsKept) {
    HttpServer server(serverSettings(), [](HttpRequest, const HttpRespond& respond) {
        HttpResponse response;
        response.stream = std::make_shared<EventStream>();
        response.stream->send(EventStream::format("1", "", "early"));
        respond(response);
    });  // and the stream ends when its last sender is gone
    ASSERT_TRUE(server.start());
    TestClient client(server.port());
    ask(client);
    EXPECT_TRUE(client.readUntil("data: early"));
    EXPECT_TRUE(client.readUntil("\r\n0\r\n\r\n"));
}

TEST(EventStream, ReaderThatLeavesClosesTheStream) {
    StreamServer fixture;
    auto client = std::make_unique<TestClient>(fixture.server.port());
    ask(*client);
    const auto stream = fixture.stream(0);
    ASSERT_TRUE(client->readUntil("\r\n\r\n"));
    std::atomic<int> calls = 0;
    stream->onClosed([&] { ++calls; });
    client.reset();
    EXPECT_TRUE(eventually([&] { return stream->closed(); }));
    EXPECT_TRUE(eventually([&] { return calls == 1; }));
    EXPECT_FALSE(stream->send("x"));
    stream->onClosed([&] { ++calls; });
    EXPECT_EQ(calls, 2) << "already closed: called at once";
}

TEST(EventStream, SlowReaderIsCut) {
    StreamServer fixture;
    TestClient client(fixture.server.port(), nullptr, 4096);
    ask(client);
    const auto stream = fixture.stream(0);
    ASSERT_TRUE(client.readUntil("\r\n\r\n"));
    const std::string event = EventStream::format("", "", std::string(16 << 10, 'x'));
    size_t sent = 0;
    while (stream->send(event)) {
        ASSERT_LT(++sent, 100'000u) << "nobody cuts it";
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    EXPECT_TRUE(stream->closed());
    EXPECT_TRUE(eventually([&] { return fixture.server.figures().connections == 0; }));
}

TEST(EventStream, SilenceIsFilledWithComments) {
    auto settings = serverSettings();
    settings.eventStreamPingMs = 50;
    StreamServer fixture(settings);
    TestClient client(fixture.server.port());
    ask(client);
    EXPECT_TRUE(client.readUntil(":\n\n"));
}

TEST(EventStream, MoreReadersThanTheLimitAre503) {
    auto settings = serverSettings();
    settings.eventStreams = 1;
    StreamServer fixture(settings);
    TestClient first(fixture.server.port());
    ask(first);
    ASSERT_TRUE(first.readUntil("\r\n\r\n"));
    TestClient second(fixture.server.port());
    const auto answer = second.request("GET", "/v1/events");
    EXPECT_EQ(answer.status, 503);
    EXPECT_NE(answer.body.find("SWB-BUSY"), std::string::npos);
    EXPECT_TRUE(eventually([&] { return fixture.stream(1)->closed(); }));
}

TEST(EventStream, StopEndsOpenStreams) {
    StreamServer fixture;
    TestClient client(fixture.server.port());
    ask(client);
    const auto stream = fixture.stream(0);
    ASSERT_TRUE(client.readUntil("\r\n\r\n"));
    const auto begin = std::chrono::steady_clock::now();
    fixture.server.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
    EXPECT_TRUE(stream->closed());
    EXPECT_FALSE(stream->send("x"));
}

}  // namespace
}  // namespace swb::net::test
