// The client end of the link: dials, runs the session, and, with a policy, dials again.
//
//   dial ─► session ─► pause (ReconnectPolicy) ─► dial …          without a policy: dial ─► session, once
//
// Owns the net thread and the callback thread of one client. The public classes are thin names for it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "net/detail/signal.h"
#include "net/detail/tls.h"
#include "net/detail/websocket_pump.h"
#include "net/detail/worker_pool.h"
#include "net/websocket_client.h"

namespace swb::net::detail {

class Dialer {
  public:
    Dialer(std::function<WebSocketTarget()> target, WebSocketEvents events, std::optional<ReconnectPolicy> policy);
    ~Dialer();  // stops

    WebSocketHandle session() const;  // null while there is none
    void reconnect(std::string reason);
    // Gives up dialling, closes the session with the reason; returns at once.
    void giveUp(std::string reason);
    // giveUp(), then waits until every event has been delivered and the threads have ended.
    void stop(std::string reason);

  private:
    asio::awaitable<void> loop();
    // One attempt and its session; why it ended.
    asio::awaitable<Error> once();
    asio::awaitable<Result<std::shared_ptr<WebSocketPump>>> dial(const WebSocketTarget& target);
    asio::awaitable<Result<void>> connect(const WebSocketTarget& target, beast::tcp_stream& transport);

    const std::function<WebSocketTarget()> target_;
    const std::shared_ptr<const WebSocketEvents> events_;
    std::optional<ReconnectPolicy> policy_;

    mutable std::mutex mutex_;
    WebSocketHandle session_;
    std::string giveUpReason_;

    WorkerPool callbackThread_;
    const std::shared_ptr<SerialQueue> callbacks_;
    asio::io_context io_{1};
    // Net thread only.
    beast::tcp_stream* dialling_ = nullptr;
    bool givenUp_ = false;
    std::optional<std::string> reconnectReason_;  // reconnect() was called since the present attempt began
    Signal pause_;
    std::thread thread_;
};

}  // namespace swb::net::detail
