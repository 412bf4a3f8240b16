#include "net/detail/http_connection.h"

#include "base/log.h"
#include "net/detail/http_convert.h"

namespace swb::net::detail {

namespace {
std::chrono::milliseconds milliseconds(int64_t count) {
    return std::chrono::milliseconds(count);
}

// What a peer may still send after the last answer before the connection is reset.
constexpr size_t drainBytes = 8 << 20;
constexpr auto farewellTimeout = std::chrono::seconds(1);

// The answer to somebody who speaks plain HTTP to this port.
constexpr std::string_view plainHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    "{\"error\":{\"code\":\"SWB-PROTOCOL-VIOLATION\",\"message\":\"this port speaks HTTPS\","
    "\"hint\":\"use https:// in the URL\"}}\n";
}  // namespace

HttpConnection::HttpConnection(ServerCore& core, SslContext context, Tcp::socket socket, std::string remoteAddress)
    : core_(core),
      context_(std::move(context)),
      stream_(std::in_place, beast::tcp_stream(std::move(socket)), *context_),
      buffer_(core.settings.headerBytes + (64 << 10)),
      signal_(stream_->get_executor()),
      remoteAddress_(std::move(remoteAddress)),
      counted_(core.connectionCount) {
    core_.connections.insert(this);
}

HttpConnection::~HttpConnection() {
    core_.connections.erase(this);
}

asio::awaitable<void> HttpConnection::serve(std::shared_ptr<HttpConnection> self) {
    if (!co_await self->secure()) {
        ++self->core_.failedHandshakes;
        co_return;
    }
    Next next = Next::again;
    while (next == Next::again) next = co_await self->serveOne();
    if (next == Next::close && !self->aborted_) co_await self->farewell();
}

void HttpConnection::wind() {
    switch (phase_) {
        case Phase::handshake:
        case Phase::idle:
        case Phase::reading:
            abort();
            break;
        case Phase::handling:
        case Phase::writing:
            break;
        case Phase::streaming:
            eventOutbox_->close("the server stops");
            break;
        case Phase::webSocket:
            if (pump_) pump_->handle()->close("the server stops");
            break;
    }
}

void HttpConnection::abort() {
    aborted_ = true;
    if (stream_) transport().close();
    if (pump_) pump_->abort();
    signal_.raise();
}

asio::awaitable<bool> HttpConnection::secure() {
    IoError error;
    transport().socket().set_option(Tcp::no_delay(true), error);
    transport().expires_after(milliseconds(core_.settings.handshakeTimeoutMs));
    const bool tls = co_await beast::async_detect_ssl(transport(), buffer_, into(error));
    if (error) co_return false;
    if (!tls) {
        co_await asio::async_write(transport(), asio::buffer(plainHttpAnswer), into(error));
        transport().socket().shutdown(Tcp::socket::shutdown_send, error);
        co_return false;
    }
    const size_t used = co_await stream_->async_handshake(asio::ssl::stream_base::server, buffer_.data(), into(error));
    buffer_.consume(used);
    if (error) {
        logDebug("net", "TLS handshake with {} failed: {}", remoteAddress_, error.message());
        co_return false;
    }
    clientCertificateName_ = peerCertificateName(*stream_);
    co_return true;
}

asio::awaitable<HttpConnection::Next> HttpConnection::serveOne() {
    if (!co_await awaitFirstByte()) co_return Next::close;
    phase_ = Phase::reading;
    transport().expires_after(milliseconds(core_.settings.requestTimeoutMs));

    Parser parser;
    parser.header_limit(static_cast<uint32_t>(core_.settings.headerBytes));
    parser.body_limit(core_.settings.bodyBytes);
    IoError error;
    auto refusal = co_await readHeader(parser, error);
    if (!error && !refusal && parser.get().target() == core_.settings.webSocketPath) {
        if (const auto obstacle = upgradeObstacle(parser)) {
            refusal = HttpResponse::error(*obstacle);
        } else {
            co_await serveWebSocket(parser);
            co_return Next::ended;
        }
    }
    if (!error && !refusal) refusal = co_await readBody(parser, error);
    if (error && !refusal) co_return Next::close;
    if (refusal) co_return co_await answer(std::move(*refusal), false, false);

    ++core_.requests;
    ++requests_;
    auto message = parser.release();
    const bool head = message.method() == http::verb::head;
    const bool keepAlive = message.keep_alive() && requests_ < core_.settings.requestsPerConnection;
    auto request = toRequest(std::move(message), remoteAddress_, clientCertificateName_);
    if (!request) co_return co_await answer(HttpResponse::error(request.error()), head, false);

    phase_ = Phase::handling;
    HttpResponse response = co_await handle(std::move(*request));
    if (aborted_) co_return Next::ended;
    if (response.stream && !head) co_return co_await streamEvents(std::move(response));
    co_return co_await answer(std::move(response), head, keepAlive);
}

asio::awaitable<bool> HttpConnection::awaitFirstByte() {
    if (buffer_.size() > 0) co_return true;  // pipelined
    phase_ = Phase::idle;
    if (core_.stopping) co_return false;
    transport().expires_after(milliseconds(core_.settings.idleTimeoutMs));
    IoError error;
    const auto space = buffer_.prepare(4096);
    const size_t count = co_await stream_->async_read_some(space, into(error));
    buffer_.commit(count);
    co_return !error;
}

asio::awaitable<std::optional<HttpResponse>> HttpConnection::readHeader(Parser& parser, IoError& error) {
    co_await http::async_read_header(*stream_, buffer_, parser, into(error));
    if (!error) co_return std::nullopt;
    co_return refusalOf(error, core_.settings);
}

asio::awaitable<std::optional<HttpResponse>> HttpConnection::readBody(Parser& parser, IoError& error) {
    if (!parser.is_done() && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        http::response<http::empty_body> proceed(http::status::continue_, 11);
        co_await http::async_write(*stream_, proceed, into(error));
        if (error) co_return std::nullopt;
    }
    co_await http::async_read(*stream_, buffer_, parser, into(error));
    if (!error) co_return std::nullopt;
    co_return refusalOf(error, core_.settings);
}

asio::awaitable<HttpResponse> HttpConnection::handle(HttpRequest request) {
    const auto slot = std::make_shared<AnswerSlot>(waker());
    auto respond = AnswerSlot::responder(slot);
    auto task = [&core = core_, request = std::move(request), respond = std::move(respond)]() mutable {
        try {
            core.handler(std::move(request), respond);
        } catch (const std::exception& thrown) {
            logError("net", "a request handler threw: {}", thrown.what());
        }
    };
    const bool queued = core_.workers.submit(std::move(task));
    if (!queued) {
        slot->abandon();
        co_return HttpResponse::error(503, Error(ErrorCode::Busy, "too many requests are waiting", "try again soon"));
    }
    const auto deadline = std::chrono::steady_clock::now() + milliseconds(core_.settings.handlerTimeoutMs);
    while (true) {
        auto response = slot->take();
        if (response) co_return std::move(*response);
        if (aborted_ || std::chrono::steady_clock::now() >= deadline) break;
        co_await signal_.waitUntil(deadline);
    }
    slot->abandon();
    co_return HttpResponse::error(Error(ErrorCode::OutcomeUnknown, "the request was not answered in time",
                                        "it may still be carried out: look at the object before trying again"));
}

asio::awaitable<HttpConnection::Next> HttpConnection::answer(HttpResponse response, bool head, bool keepAlive) {
    phase_ = Phase::writing;
    if (core_.stopping) keepAlive = false;
    transport().expires_after(milliseconds(core_.settings.requestTimeoutMs));
    auto header = toHeader(response, keepAlive);
    const bool bodiless = response.status == 204 || response.status == 304;  // by their definition
    if (!bodiless) header.content_length(response.body.size());
    IoError error;
    if (head || bodiless) {
        http::response_serializer<http::empty_body> serializer(header);
        co_await http::async_write_header(*stream_, serializer, into(error));
    } else {
        http::response<http::string_body> message(std::move(header.base()), std::move(response.body));
        co_await http::async_write(*stream_, message, into(error));
    }
    co_return error ? Next::ended : keepAlive ? Next::again : Next::close;
}

asio::awaitable<void> HttpConnection::farewell() {
    // Closing a socket with unread input makes the kernel discard what the peer has not read yet, the last answer
    // perhaps: so end the sending side and read on for a moment.
    IoError error;
    transport().expires_after(farewellTimeout);
    co_await stream_->async_shutdown(into(error));
    transport().socket().shutdown(Tcp::socket::shutdown_send, error);
    size_t drained = 0;
    while (!error && drained < drainBytes) {
        buffer_.clear();
        const auto space = buffer_.prepare(16 << 10);
        drained += co_await transport().async_read_some(space, into(error));
    }
}

void HttpConnection::woken() {
    // A cut stream has a reader that does not read: a write may be stuck.
    if (eventOutbox_ && eventOutbox_->wasCut()) transport().close();
    signal_.raise();
}

std::function<void()> HttpConnection::waker() {
    const auto executor = stream_->get_executor();
    std::function<void()> raise = [self = weak_from_this()] {
        if (const auto connection = self.lock()) connection->woken();
    };
    return [executor, raise] { asio::post(executor, raise); };
}

}  // namespace swb::net::detail
