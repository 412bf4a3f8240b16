// What all connections of one server share. Everything but the atomics and the pools belongs to the net thread.
#pragma once

#include <atomic>
#include <memory>
#include <set>

#include "net/detail/tls.h"
#include "net/detail/worker_pool.h"
#include "net/http_server.h"

namespace swb::net::detail {

class HttpConnection;

struct ServerCore {
    ServerCore(HttpServerSettings settings_, HttpHandler handler_, WebSocketAcceptor acceptor_)
        : settings(std::move(settings_)),
          handler(std::move(handler_)),
          acceptor(std::move(acceptor_)),
          workers(settings.workerThreads, settings.workerQueue),
          callbacks(settings.callbackThreads, SIZE_MAX) {}

    const HttpServerSettings settings;
    const HttpHandler handler;
    const WebSocketAcceptor acceptor;
    WorkerPool workers;
    WorkerPool callbacks;

    bool stopping = false;
    std::set<HttpConnection*> connections;  // each takes itself out when it ends

    std::atomic<size_t> connectionCount = 0;  // without WebSockets
    std::atomic<size_t> webSocketCount = 0;
    std::atomic<size_t> eventStreamCount = 0;
    std::atomic<uint64_t> accepted = 0;
    std::atomic<uint64_t> refusedConnections = 0;
    std::atomic<uint64_t> failedHandshakes = 0;
    std::atomic<uint64_t> requests = 0;
};

// Counts one thing for as long as it lives.
class Counted {
  public:
    explicit Counted(std::atomic<size_t>& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    std::atomic<size_t>& count_;
};

}  // namespace swb::net::detail
