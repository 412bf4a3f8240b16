#include "net/http_server.h"

#include <fmt/format.h>

#include <thread>

#include "base/assert.h"
#include "base/log.h"
#include "net/detail/http_connection.h"

namespace swb::net {

using namespace detail;

namespace {
constexpr auto graceTime = std::chrono::milliseconds(1000);   // for answers and closing handshakes when stopping
constexpr auto forceTime = std::chrono::milliseconds(500);    // for aborted connections to notice
constexpr auto acceptPause = std::chrono::milliseconds(100);  // when no descriptor is free
}  // namespace

class HttpServer::Implementation {
  public:
    Implementation(HttpServerSettings settings, HttpHandler handler, WebSocketAcceptor acceptor)
        : core_(std::move(settings), std::move(handler), std::move(acceptor)) {}
    ~Implementation() { stop(); }

    Result<void> start() {
        SWB_ASSERT(!thread_.joinable() && acceptors_.empty(), "an HttpServer is started once");
        context_ = TRY(makeServerContext(core_.settings.identity));
        for (const auto& address : core_.settings.listen) {
            auto bound = listen(address);
            if (!bound) {
                acceptors_.clear();
                addresses_.clear();
                return fail(bound.error());
            }
        }
        for (auto& acceptor : acceptors_) asio::co_spawn(io_, acceptLoop(*acceptor), logEscaped);
        thread_ = std::thread([this] { io_.run(); });
        return {};
    }

    void stop() {
        if (!thread_.joinable()) return;
        asio::co_spawn(io_, wind(), logEscaped);
        thread_.join();
        core_.workers.stop(WorkerPool::Leftover::drop);
        core_.callbacks.stop(WorkerPool::Leftover::run);
    }

    Result<void> reloadCertificate(const TlsIdentity& identity) {
        auto context = TRY(makeServerContext(identity));
        std::lock_guard lock(contextMutex_);
        context_ = std::move(context);
        return {};
    }

    const std::vector<ListenAddress>& addresses() const { return addresses_; }

    Figures figures() const {
        Figures figures;
        figures.connections = core_.connectionCount;
        figures.webSockets = core_.webSocketCount;
        figures.eventStreams = core_.eventStreamCount;
        figures.accepted = core_.accepted;
        figures.refusedConnections = core_.refusedConnections;
        figures.failedHandshakes = core_.failedHandshakes;
        figures.requests = core_.requests;
        return figures;
    }

  private:
    Result<void> listen(const ListenAddress& wanted) {
        IoError error;
        const auto ip = asio::ip::make_address(wanted.address, error);
        if (error) return fail(ErrorCode::InvalidInput, fmt::format("{} is not an IP address", wanted.address));
        const Tcp::endpoint endpoint(ip, wanted.port);
        auto acceptor = std::make_unique<Tcp::acceptor>(io_);
        acceptor->open(endpoint.protocol(), error);
        if (!error) acceptor->set_option(Tcp::acceptor::reuse_address(true), error);
        if (!error && ip.is_v6()) acceptor->set_option(asio::ip::v6_only(true), error);
        if (!error) acceptor->bind(endpoint, error);
        if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
        if (error) {
            return fail(ErrorCode::Unreachable,
                        fmt::format("cannot listen on {} port {}: {}", wanted.address, wanted.port, error.message()),
                        "is another program using the port, or is the address not one of this machine's?");
        }
        addresses_.push_back({wanted.address, acceptor->local_endpoint().port()});
        acceptors_.push_back(std::move(acceptor));
        return {};
    }

    asio::awaitable<void> acceptLoop(Tcp::acceptor& acceptor) {
        asio::steady_timer pause(io_);
        IoError error;
        while (acceptor.is_open()) {
            Tcp::socket socket = co_await acceptor.async_accept(into(error));
            if (!acceptor.is_open()) co_return;
            if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space) {
                pause.expires_after(acceptPause);
                co_await pause.async_wait(into(error));
            } else if (!error) {
                admit(std::move(socket));
            }
        }
    }

    void admit(Tcp::socket socket) {
        ++core_.accepted;
        IoError error;
        const auto peer = socket.remote_endpoint(error);
        if (error) return;
        if (core_.connectionCount >= core_.settings.connections) {
            if (core_.refusedConnections++ % 1000 == 0) {
                logWarning("net", "refusing connections: {} are open", core_.settings.connections);
            }
            return;  // closes the socket
        }
        SslContext context;
        {
            std::lock_guard lock(contextMutex_);
            context = context_;
        }
        auto connection =
            std::make_shared<HttpConnection>(core_, std::move(context), std::move(socket), peer.address().to_string());
        asio::co_spawn(io_, HttpConnection::serve(std::move(connection)), logEscaped);
    }

    // Ends everything in two stages; io_.run() returns when nothing is left, or at the end of the second.
    asio::awaitable<void> wind() {
        core_.stopping = true;
        for (auto& acceptor : acceptors_) acceptor->close();
        const auto connections = core_.connections;
        for (auto* connection : connections) connection->wind();
        co_await awaitNoConnections(graceTime);
        const auto left = core_.connections;
        for (auto* connection : left) connection->abort();
        co_await awaitNoConnections(forceTime);
        if (!core_.connections.empty()) logError("net", "{} connections did not end", core_.connections.size());
        io_.stop();
    }

    asio::awaitable<void> awaitNoConnections(std::chrono::milliseconds longest) {
        asio::steady_timer timer(io_);
        IoError ignored;
        const auto deadline = std::chrono::steady_clock::now() + longest;
        while (!core_.connections.empty() && std::chrono::steady_clock::now() < deadline) {
            timer.expires_after(std::chrono::milliseconds(5));
            co_await timer.async_wait(into(ignored));
        }
    }

    // core_ before io_: connections that io_ still holds when it is destroyed use the core.
    ServerCore core_;
    SslContext context_;
    std::mutex contextMutex_;
    std::vector<ListenAddress> addresses_;
    asio::io_context io_{1};
    std::vector<std::unique_ptr<Tcp::acceptor>> acceptors_;
    std::thread thread_;
};

HttpServer::HttpServer(HttpServerSettings settings, HttpHandler handler, WebSocketAcceptor acceptor)
    : implementation_(std::make_unique<Implementation>(std::move(settings), std::move(handler), std::move(acceptor))) {}
HttpServer::~HttpServer() = default;

Result<void> HttpServer::start() {
    return implementation_->start();
}
void HttpServer::stop() {
    implementation_->stop();
}
std::vector<ListenAddress> HttpServer::addresses() const {
    return implementation_->addresses();
}
uint16_t HttpServer::port() const {
    const auto& addresses = implementation_->addresses();
    return addresses.empty() ? 0 : addresses.front().port;
}
Result<void> HttpServer::reloadCertificate(TlsIdentity identity) {
    return implementation_->reloadCertificate(identity);
}
HttpServer::Figures HttpServer::figures() const {
    return implementation_->figures();
}

}  // namespace swb::net
