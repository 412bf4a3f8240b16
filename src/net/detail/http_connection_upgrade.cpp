// The two ways in which a connection stops being request and answer: an event stream and a WebSocket.
#include "base/log.h"
#include "net/detail/http_connection.h"
#include "net/detail/http_convert.h"

namespace swb::net::detail {

asio::awaitable<HttpConnection::Next> HttpConnection::streamEvents(HttpResponse response) {
    const auto outbox = response.stream->outbox();
    response.stream.reset();  // the handler's reference decides how long the sender lives
    if (core_.eventStreamCount >= core_.settings.eventStreams) {
        outbox->detach();
        const Error error(ErrorCode::Busy, "too many event streams are open", "close some, or poll /v1/events");
        co_return co_await answer(HttpResponse::error(503, error), false, false);
    }
    const Counted counted(core_.eventStreamCount);
    phase_ = Phase::streaming;
    eventOutbox_ = outbox;
    outbox->attach(waker());
    if (core_.stopping) outbox->close("the server stops");

    IoError error;
    response.contentType = "text/event-stream";
    auto header = toHeader(response, false);
    header.set(http::field::cache_control, "no-store");
    header.chunked(true);
    http::response_serializer<http::empty_body> serializer(header);
    const auto writeTimeout = std::chrono::milliseconds(core_.settings.requestTimeoutMs);
    transport().expires_after(writeTimeout);
    co_await http::async_write_header(*stream_, serializer, into(error));

    transport().expires_never();
    if (!error) asio::co_spawn(stream_->get_executor(), watchPeer(shared_from_this(), outbox), logEscaped);
    const auto pingInterval = std::chrono::milliseconds(core_.settings.eventStreamPingMs);
    auto pingAt = std::chrono::steady_clock::now() + pingInterval;
    while (!error && !aborted_) {
        auto text = outbox->pop();
        if (!text && outbox->closed()) break;
        if (!text && std::chrono::steady_clock::now() < pingAt) {
            co_await signal_.waitUntil(pingAt);
            continue;
        }
        const std::string payload = text ? std::move(*text) : std::string(":\n\n");
        pingAt = std::chrono::steady_clock::now() + pingInterval;
        if (payload.empty()) continue;
        const auto chunk = http::make_chunk(asio::buffer(payload));
        transport().expires_after(writeTimeout);
        co_await asio::async_write(*stream_, chunk, into(error));
    }
    const auto last = http::make_chunk_last();
    if (!error && !outbox->wasCut()) co_await asio::async_write(*stream_, last, into(error));
    outbox->detach();
    transport().close();
    co_return Next::ended;
}

// Reads only to learn that the reader is gone. What it sends is dropped.
asio::awaitable<void> HttpConnection::watchPeer(std::shared_ptr<HttpConnection> self, std::shared_ptr<Outbox> outbox) {
    IoError error;
    beast::flat_buffer buffer;
    while (!error) {
        const auto space = buffer.prepare(1024);
        co_await self->stream_->async_read_some(space, into(error));
    }
    outbox->cut("the reader is gone");
    self->transport().close();
}

std::optional<Error> HttpConnection::upgradeObstacle(const Parser& parser) const {
    if (!core_.acceptor) return Error(ErrorCode::NotFound, "this server takes no agents");
    if (!websocket::is_upgrade(parser.get()) || buffer_.size() > 0) {
        return Error(ErrorCode::InvalidInput, "this path is for agents' WebSockets only");
    }
    if (!clientCertificateName_) {
        return Error(ErrorCode::CertificateRejected, "an agent must show a certificate of this controller's CA",
                     "enrol the server with swing-agent join");
    }
    if (core_.webSocketCount >= core_.settings.webSockets || core_.stopping) {
        return Error(ErrorCode::Busy, "too many agents are connected", "the agent tries again by itself");
    }
    return std::nullopt;
}

asio::awaitable<void> HttpConnection::serveWebSocket(Parser& parser) {
    phase_ = Phase::webSocket;
    counted_.reset();
    const Counted counted(core_.webSocketCount);
    const PumpSettings settings{core_.settings.frameBytes, core_.settings.sendQueueBytes,
                                core_.settings.webSocketSilenceMs};
    WebSocketStream webSocket(std::move(*stream_));
    stream_.reset();
    WebSocketPump::configure(webSocket);
    const auto request = parser.release();
    IoError error;
    beast::get_lowest_layer(webSocket).expires_after(std::chrono::milliseconds(core_.settings.handshakeTimeoutMs));
    co_await webSocket.async_accept(request, into(error));
    if (error || aborted_) co_return;

    pump_ = std::make_shared<WebSocketPump>(std::move(webSocket), settings, *clientCertificateName_, remoteAddress_);
    const auto callbacks = std::make_shared<SerialQueue>(core_.callbacks);
    const auto accepted = std::make_shared<std::optional<WebSocketCallbacks>>();
    callbacks->push([acceptor = core_.acceptor, handle = pump_->handle(), accepted] {
        auto result = acceptor(handle);
        if (result) {
            *accepted = std::move(*result);
        } else {
            handle->close(describe(result.error()));
        }
    });
    if (core_.stopping) pump_->handle()->close("the server stops");
    std::function<void(std::string)> onMessage = [accepted](std::string text) {
        if (*accepted && (*accepted)->onMessage) (*accepted)->onMessage(std::move(text));
    };
    const Error reason = co_await pump_->run(callbacks, std::move(onMessage));
    logDebug("net", "the WebSocket of {} ended: {}", *clientCertificateName_, reason.message);
    if (core_.stopping) callbacks->clear();
    callbacks->push([accepted, reason] {
        if (*accepted && (*accepted)->onClosed) (*accepted)->onClosed(reason);
    });
}

}  // namespace swb::net::detail
