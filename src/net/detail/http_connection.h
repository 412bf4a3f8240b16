// One accepted connection, from the first byte to the last, as one coroutine on the net thread:
//
//   handshake ─► idle ─► reading ─► handling ─► writing ─┬─► idle …
//                           │                            └─► streaming (server-sent events) ─► end
//                           └─► webSocket ─► end
//
// Every arrow has a deadline. What the peer does wrong is answered where HTTP has an answer, and ends the connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/detail/answer_slot.h"
#include "net/detail/asio.h"
#include "net/detail/server_core.h"
#include "net/detail/signal.h"
#include "net/detail/websocket_pump.h"

namespace swb::net::detail {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(ServerCore& core, SslContext context, Tcp::socket socket, std::string remoteAddress);
    ~HttpConnection();

    static asio::awaitable<void> serve(std::shared_ptr<HttpConnection> self);

    // The server stops: ends what waits, lets a running answer finish.
    void wind();
    // Ends everything now.
    void abort();

  private:
    enum class Phase { handshake, idle, reading, handling, writing, streaming, webSocket };
    enum class Next { again, close, ended };
    using Parser = http::request_parser<http::string_body>;

    asio::awaitable<bool> secure();
    asio::awaitable<Next> serveOne();
    asio::awaitable<bool> awaitFirstByte();
    // Fills the parser. An answer: the request cannot be read, and this says why.
    asio::awaitable<std::optional<HttpResponse>> readHeader(Parser& parser, IoError& error);
    asio::awaitable<std::optional<HttpResponse>> readBody(Parser& parser, IoError& error);
    asio::awaitable<HttpResponse> handle(HttpRequest request);
    asio::awaitable<Next> answer(HttpResponse response, bool head, bool keepAlive);
    asio::awaitable<Next> streamEvents(HttpResponse response);
    static asio::awaitable<void> watchPeer(std::shared_ptr<HttpConnection> self, std::shared_ptr<Outbox> outbox);
    std::optional<Error> upgradeObstacle(const Parser& parser) const;
    asio::awaitable<void> serveWebSocket(Parser& parser);
    asio::awaitable<void> farewell();

    std::function<void()> waker();
    void woken();
    beast::tcp_stream& transport() { return stream_->next_layer(); }

    ServerCore& core_;
    SslContext context_;
    std::optional<TlsStream> stream_;  // empty once a WebSocket has it
    beast::flat_buffer buffer_;
    Signal signal_;
    const std::string remoteAddress_;
    std::optional<std::string> clientCertificateName_;
    Phase phase_ = Phase::handshake;
    size_t requests_ = 0;
    bool aborted_ = false;
    std::optional<Counted> counted_;
    std::shared_ptr<Outbox> eventOutbox_;
    std::shared_ptr<WebSocketPump> pump_;
};

}  // namespace swb::net::detail
