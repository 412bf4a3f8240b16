#include "net/detail/websocket_pump.h"

#include <fmt/format.h>

#include <utility>

#include "base/limits.h"

namespace swb::net::detail {

namespace {
// The closing handshake; a peer that does not answer it is gone.
constexpr auto closeTimeout = std::chrono::seconds(1);
// Time for what is queued to go out after close(); then the connection is cut.
constexpr auto drainTimeout = std::chrono::seconds(2);
// Charged for each received message beyond its bytes, so that a flood of empty ones is bounded too.
constexpr size_t messageCost = 256;
constexpr size_t absurdBytes = 16 * limits::linkFrameBytes;
constexpr size_t closeReasonBytes = 120;  // RFC 6455: a control frame holds 125, two are the code
}  // namespace

class WebSocketPump::Session final : public WebSocketSession {
  public:
    Session(size_t queueBytes, std::string peerName, std::string remoteAddress)
        : outbox(queueBytes), peerName_(std::move(peerName)), remoteAddress_(std::move(remoteAddress)) {}

    bool send(std::string text) override { return outbox.push(std::move(text)); }
    void close(std::string reason) override { outbox.close(std::move(reason)); }
    bool closed() const override { return outbox.closed(); }
    const std::string& peerName() const override { return peerName_; }
    const std::string& remoteAddress() const override { return remoteAddress_; }

    Outbox outbox;
    std::atomic<size_t> backlogBytes = 0;  // received, their callbacks not yet returned

  private:
    const std::string peerName_;
    const std::string remoteAddress_;
};

WebSocketPump::WebSocketPump(WebSocketStream stream, const PumpSettings& settings, std::string peerName,
                             std::string remoteAddress)
    : stream_(std::move(stream)),
      settings_(settings),
      session_(std::make_shared<Session>(settings.sendQueueBytes, std::move(peerName), std::move(remoteAddress))),
      writerSignal_(stream_.get_executor()),
      readerSignal_(stream_.get_executor()),
      drainTimer_(stream_.get_executor()) {
    // From here the WebSocket's own timer watches: silence closes, pings go out at half of it.
    beast::get_lowest_layer(stream_).expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = closeTimeout;
    timeout.idle_timeout = std::chrono::milliseconds(settings.silenceMs);
    timeout.keep_alive_pings = true;
    stream_.set_option(timeout);
}

WebSocketPump::~WebSocketPump() {
    session_->outbox.detach();
}

void WebSocketPump::configure(WebSocketStream& stream) {
    // The read loop's buffer is the limit, because Beast's own reports what went wrong while it closed, not why it did.
    // Beast's ends at once what announces absurd lengths.
    stream.read_message_max(absurdBytes);
    stream.auto_fragment(false);
    stream.text(true);
}

WebSocketHandle WebSocketPump::handle() const {
    return session_;
}

asio::awaitable<Error> WebSocketPump::run(std::shared_ptr<SerialQueue> callbacks,
                                          std::function<void(std::string)> onMessage) {
    const auto executor = stream_.get_executor();
    std::function<void()> onWake = [self = weak_from_this()] {
        if (const auto pump = self.lock()) pump->woken();
    };
    session_->outbox.attach([executor, onWake] { asio::post(executor, onWake); });
    woken();  // for what was queued before
    writing_ = true;
    asio::co_spawn(executor, writeLoop(shared_from_this()), logEscaped);

    const IoError error = co_await readLoop(std::move(callbacks), std::move(onMessage));
    const Error reason = reasonOf(error);
    if (error == websocket::error::buffer_overflow) {
        session_->outbox.close(reason.message);
    } else {
        session_->outbox.cut(reason.message);
    }
    while (writing_) {
        if (session_->outbox.wasCut()) abort();
        writerSignal_.raise();
        co_await readerSignal_.wait();
    }
    session_->outbox.detach();
    abort();
    co_return reason;
}

asio::awaitable<IoError> WebSocketPump::readLoop(std::shared_ptr<SerialQueue> callbacks,
                                                 std::function<void(std::string)> onMessage) {
    beast::flat_buffer buffer(settings_.frameBytes);
    IoError error;
    while (true) {
        co_await stream_.async_read(buffer, into(error));
        if (error) co_return error;
        std::string text = beast::buffers_to_string(buffer.data());
        buffer.consume(buffer.size());
        if (buffer.capacity() > 64 << 10) buffer.shrink_to_fit();

        const size_t cost = text.size() + messageCost;
        session_->backlogBytes += cost;
        callbacks->push(
            [session = session_, onMessage, cost, limit = settings_.frameBytes, text = std::move(text)]() mutable {
                onMessage(std::move(text));
                if (session->backlogBytes.fetch_sub(cost) > limit) session->outbox.wake();
            });
        while (session_->backlogBytes > settings_.frameBytes && !session_->outbox.wasCut()) {
            co_await readerSignal_.wait();
        }
    }
}

asio::awaitable<void> WebSocketPump::writeLoop(std::shared_ptr<WebSocketPump> self) {
    Outbox& outbox = self->session_->outbox;
    IoError error;
    while (!error) {
        auto text = outbox.pop();
        if (text) {
            co_await self->stream_.async_write(asio::buffer(*text), into(error));
        } else if (outbox.closed()) {
            break;
        } else {
            co_await self->writerSignal_.wait();
        }
    }
    if (!error && !outbox.wasCut()) {
        const std::string text = outbox.reason().substr(0, closeReasonBytes);
        const websocket::close_reason reason(websocket::close_code::normal, text);
        co_await self->stream_.async_close(reason, into(error));
    }
    if (error) self->abort();
    self->writing_ = false;
    self->readerSignal_.raise();
}

void WebSocketPump::woken() {
    writerSignal_.raise();
    readerSignal_.raise();
    // A cut session has a peer that does not read: a write may be stuck in the middle of a frame.
    if (session_->outbox.wasCut()) {
        abort();
    } else if (session_->outbox.closed() && !draining_) {
        draining_ = true;
        drainTimer_.expires_after(drainTimeout);
        drainTimer_.async_wait([self = weak_from_this()](const IoError& error) {
            const auto pump = self.lock();
            if (!error && pump) pump->abort();
        });
    }
}

void WebSocketPump::abort() {
    beast::get_lowest_layer(stream_).close();
}

Error WebSocketPump::reasonOf(const IoError& error) const {
    if (error == websocket::error::buffer_overflow) {
        return Error(ErrorCode::TooLarge, fmt::format("a message is over the limit of {} bytes", settings_.frameBytes));
    }
    if (session_->outbox.wasCut()) return Error(ErrorCode::Busy, session_->outbox.reason());
    if (session_->outbox.closed()) return Error(ErrorCode::Unreachable, "closed: " + session_->outbox.reason());
    if (error == websocket::error::closed) {
        const auto& reason = stream_.reason();
        return Error(ErrorCode::Unreachable, reason.reason.empty()
                                                 ? "the peer closed"
                                                 : "the peer closed: " + std::string(reason.reason.c_str()));
    }
    if (error == beast::error::timeout) return Error(ErrorCode::Unreachable, "the peer fell silent");
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
        return Error(ErrorCode::Unreachable, "the peer's connection ended");
    }
    return Error(ErrorCode::Unreachable, "the connection broke: " + error.message());
}

}  // namespace swb::net::detail
