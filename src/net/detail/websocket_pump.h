// Moves the messages of one open WebSocket: the same code at both ends.
//
//   WebSocketSession::send ─► Outbox ─► write loop ─► peer ─► read loop ─► backlog ─► callback
//
// Pump lives on the net thread and owns the stream; the session handle it gives out may outlive it. The read loop stops
// reading while the callbacks lag by more than one full frame. run() ends when the session has ended in both
// directions.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/detail/asio.h"
#include "net/detail/outbox.h"
#include "net/detail/signal.h"
#include "net/detail/worker_pool.h"
#include "net/websocket_session.h"

namespace swb::net::detail {

struct PumpSettings {
    size_t frameBytes;
    size_t sendQueueBytes;
    int64_t silenceMs;
};

class WebSocketPump : public std::enable_shared_from_this<WebSocketPump> {
  public:
    // stream: after its handshake.
    WebSocketPump(WebSocketStream stream, const PumpSettings& settings, std::string peerName,
                  std::string remoteAddress);
    ~WebSocketPump();

    WebSocketHandle handle() const;
    // Each message becomes a task of `callbacks`. Returns why the session ended. The caller keeps the pump alive.
    asio::awaitable<Error> run(std::shared_ptr<SerialQueue> callbacks, std::function<void(std::string)> onMessage);
    // Ends run() without the closing handshake.
    void abort();

    // Before a handshake on `stream`: what is agreed for both ends.
    static void configure(WebSocketStream& stream);

  private:
    class Session;

    asio::awaitable<IoError> readLoop(std::shared_ptr<SerialQueue> callbacks,
                                      std::function<void(std::string)> onMessage);
    static asio::awaitable<void> writeLoop(std::shared_ptr<WebSocketPump> self);
    void woken();
    Error reasonOf(const IoError& error) const;

    WebSocketStream stream_;
    const PumpSettings settings_;
    std::shared_ptr<Session> session_;
    Signal writerSignal_;
    Signal readerSignal_;
    asio::steady_timer drainTimer_;
    bool writing_ = false;
    bool draining_ = false;
};

}  // namespace swb::net::detail
