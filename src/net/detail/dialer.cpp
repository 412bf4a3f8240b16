#include "net/detail/dialer.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/log.h"
#include "crypto/tls_context.h"

namespace swb::net::detail {

namespace {
std::string authority(const WebSocketTarget& target) {
    const bool ipv6 = target.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", ipv6 ? "[" : "", target.host, ipv6 ? "]" : "", target.port);
}

Error unreachable(const WebSocketTarget& target, std::string_view doing, const IoError& error) {
    const std::string what = error == beast::error::timeout ? "it took too long" : error.message();
    return Error(ErrorCode::Unreachable, fmt::format("{} {}: {}", doing, authority(target), what),
                 "is the controller running there, and does a firewall let this server through?");
}

Error handshakeError(const WebSocketTarget& target, TlsStream& stream, const IoError& error) {
    const long verdict = SSL_get_verify_result(stream.native_handle());
    if (verdict != X509_V_OK) {
        return Error(ErrorCode::CertificateRejected,
                     fmt::format("the certificate of {} was not accepted: {}", authority(target),
                                 X509_verify_cert_error_string(verdict)),
                     "compare the CA of this server with the controller's, and the name or address that is dialled");
    }
    return unreachable(target, "no TLS connection with", error);
}
}  // namespace

Dialer::Dialer(std::function<WebSocketTarget()> target, WebSocketEvents events, std::optional<ReconnectPolicy> policy)
    : target_(std::move(target)),
      events_(std::make_shared<const WebSocketEvents>(std::move(events))),
      policy_(std::move(policy)),
      callbackThread_(1, SIZE_MAX),
      callbacks_(std::make_shared<SerialQueue>(callbackThread_)),
      pause_(io_.get_executor()) {
    asio::co_spawn(io_, loop(), logEscaped);
    thread_ = std::thread([this] { io_.run(); });
}

Dialer::~Dialer() {
    stop("the client ended");
}

WebSocketHandle Dialer::session() const {
    std::lock_guard lock(mutex_);
    return session_;
}

void Dialer::reconnect(std::string reason) {
    asio::post(io_, [this, reason = std::move(reason)] {
        // An attempt under way has the old target: it ends too.
        if (dialling_) dialling_->close();
        if (const auto session = this->session()) session->close(reason);
        reconnectReason_ = reason;
        pause_.raise();
    });
}

void Dialer::giveUp(std::string reason) {
    asio::post(io_, [this, reason = std::move(reason)] {
        givenUp_ = true;
        if (dialling_) dialling_->close();
        if (const auto session = this->session()) session->close(reason);
        pause_.raise();
    });
}

void Dialer::stop(std::string reason) {
    if (!thread_.joinable()) return;
    giveUp(std::move(reason));
    thread_.join();
    callbackThread_.stop(WorkerPool::Leftover::run);
}

asio::awaitable<void> Dialer::loop() {
    const SystemClock clock;
    while (!givenUp_) {
        const Error error = co_await once();
        callbacks_->push([events = events_, error] {
            if (events->onClosed) events->onClosed(error);
        });
        if (!policy_ || givenUp_) co_return;
        const int64_t delay = policy_->lost(clock.monotonic());
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay);
        while (!givenUp_ && !reconnectReason_ && std::chrono::steady_clock::now() < until)
            co_await pause_.waitUntil(until);
    }
}

asio::awaitable<Error> Dialer::once() {
    reconnectReason_.reset();
    const WebSocketTarget target = target_();
    auto dialled = co_await dial(target);
    dialling_ = nullptr;
    if (!dialled) co_return dialled.error();
    const std::shared_ptr<WebSocketPump> pump = *dialled;
    const WebSocketHandle handle = pump->handle();
    if (policy_) policy_->connected(SystemClock().monotonic());
    {
        std::lock_guard lock(mutex_);
        session_ = handle;
    }
    if (givenUp_ || reconnectReason_) handle->close(reconnectReason_.value_or("the client ended"));
    callbacks_->push([events = events_, handle] {
        if (events->onOpen) events->onOpen(handle);
    });
    std::function<void(std::string)> onMessage = [events = events_](std::string text) {
        if (events->onMessage) events->onMessage(std::move(text));
    };
    const Error reason = co_await pump->run(callbacks_, std::move(onMessage));
    std::lock_guard lock(mutex_);
    session_ = nullptr;
    co_return reason;
}

asio::awaitable<Result<std::shared_ptr<WebSocketPump>>> Dialer::dial(const WebSocketTarget& target) {
    auto context = makeClientContext(target.identity);
    if (!context) co_return fail(context.error());
    const PumpSettings settings{target.frameBytes, target.sendQueueBytes, target.silenceMs};
    WebSocketStream webSocket(io_.get_executor(), **context);
    auto& transport = beast::get_lowest_layer(webSocket);
    auto& tls = webSocket.next_layer();
    dialling_ = &transport;
    transport.expires_after(std::chrono::milliseconds(target.connectTimeoutMs));
    auto connected = co_await connect(target, transport);
    if (!connected) co_return fail(connected.error());

    auto expected =
        crypto::expectHost(tls.native_handle(), target.serverName.empty() ? target.host : target.serverName);
    if (!expected) co_return fail(expected.error());
    IoError error;
    co_await tls.async_handshake(asio::ssl::stream_base::client, into(error));
    if (error) co_return fail(handshakeError(target, tls, error));

    WebSocketPump::configure(webSocket);
    websocket::response_type response;
    co_await webSocket.async_handshake(response, authority(target), target.path, into(error));
    if (error == websocket::error::upgrade_declined) {
        const auto json = parseJson(response.body());
        const Json* reported = json ? memberAt(*json, "error") : nullptr;
        if (reported) co_return fail(errorFromJson(*reported));
        co_return fail(ErrorCode::ProtocolViolation,
                       fmt::format("{} answered the upgrade with status {}", authority(target), response.result_int()));
    }
    if (error) co_return fail(unreachable(target, "no WebSocket with", error));
    std::string peerName = peerCertificateName(tls).value_or("");
    IoError ignored;
    std::string remoteAddress = transport.socket().remote_endpoint(ignored).address().to_string();
    co_return std::make_shared<WebSocketPump>(std::move(webSocket), settings, std::move(peerName),
                                              std::move(remoteAddress));
}

asio::awaitable<Result<void>> Dialer::connect(const WebSocketTarget& target, beast::tcp_stream& transport) {
    IoError error;
    const auto ip = asio::ip::make_address(target.host, error);
    if (!error) {
        const Tcp::endpoint endpoint(ip, target.port);
        co_await transport.async_connect(endpoint, into(error));
    } else {
        Tcp::resolver resolver(io_);
        const auto found = co_await resolver.async_resolve(target.host, std::to_string(target.port), into(error));
        if (error) co_return fail(unreachable(target, "cannot look up", error));
        if (givenUp_) co_return fail(ErrorCode::Unreachable, "the client gave up");
        transport.expires_after(std::chrono::milliseconds(target.connectTimeoutMs));
        co_await transport.async_connect(found, into(error));
    }
    if (error) co_return fail(unreachable(target, "cannot connect to", error));
    transport.socket().set_option(Tcp::no_delay(true), error);
    co_return Result<void>();
}

}  // namespace swb::net::detail
