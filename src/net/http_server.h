// The controller's port: HTTPS (HTTP/1.1) for the API and the page, and the agents' WebSockets, on the same addresses.
//
//   accept ─► TLS (1.2+) ─► request ─► limits ─► worker pool: HttpHandler ─► respond() ─► answer or event stream
//                              └─ GET webSocketPath with a client certificate ─► WebSocketAcceptor ─► WebSocketSession
//
// One net thread moves bytes; handlers run on a small pool and may block; WebSocket callbacks run on a pool of their
// own, so that slow requests never delay an agent. A client certificate is optional, but one that does not verify
// against the authority ends the handshake. Every input has a limit (base/limits.h) and every wait a deadline; what
// arrives may be anything at all. The server never interprets a request beyond HTTP itself: routes, tokens and roles
// are the handler's. Errors of the server itself are answered as JSON: {"error": {"code": "SWB-…", "message": …,
// "hint": …}}.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "net/event_stream.h"
#include "net/tls_identity.h"
#include "net/websocket_session.h"

namespace swb::net {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method;  // "GET"
    std::string target;  // as sent: path and query
    std::string path;    // decoded; %2F, %00 and broken encodings never get here (400)
    TextPairs query;     // decoded, in order
    TextPairs headers;   // names as sent
    std::string body;
    std::string remoteAddress;                         // IP address without port
    std::optional<std::string> clientCertificateName;  // common name of a verified client certificate

    // First value of that header (case-insensitive) or parameter; empty when absent.
    std::string_view header(std::string_view name) const;
    std::string_view parameter(std::string_view name) const;
};

struct HttpResponse {
    int status = 200;
    std::string contentType = "application/json";
    std::string body;
    TextPairs headers;                    // further ones; Content-Length, Connection and Date are the server's
    std::shared_ptr<EventStream> stream;  // when set: body is ignored and the answer is text/event-stream

    // {"error": {…}} with the status of the error's code (httpStatus), or the given one.
    static HttpResponse error(const Error& error);
    static HttpResponse error(int status, const Error& error);
};

// Answers the request. From any thread, also after the handler returned; only the first call counts. When the last copy
// is destroyed without a call the client gets 500.
using HttpRespond = std::function<void(HttpResponse)>;
// Called on the worker pool; may block. One request of a connection at a time.
using HttpHandler = std::function<void(HttpRequest, HttpRespond respond)>;

// Called for each new WebSocket before its first message. An error closes it, with the error as the close reason.
using WebSocketAcceptor = std::function<Result<WebSocketCallbacks>(const WebSocketHandle&)>;

struct ListenAddress {
    std::string address;  // IPv4 or IPv6 address
    uint16_t port = 0;    // 0: any free one
};

struct HttpServerSettings {
    std::vector<ListenAddress> listen;
    TlsIdentity identity;
    std::string webSocketPath = "/v1/agent";

    size_t workerThreads = 8;
    size_t workerQueue = 1024;                 // requests waiting for a worker; more are answered 503
    size_t callbackThreads = 4;                // for the WebSockets' callbacks
    size_t bodyBytes = limits::bodyBytes;      // more is answered 413
    size_t headerBytes = limits::headerBytes;  // more is answered 431
    size_t frameBytes = limits::linkFrameBytes;
    size_t sendQueueBytes = 4 * limits::linkFrameBytes;  // per WebSocket
    size_t connections = limits::httpConnections;        // without WebSockets; more are closed at once
    size_t webSockets = 4096;                            // one per server of the fleet; more are answered 503
    size_t eventStreams = limits::eventStreams;          // more are answered 503
    size_t requestsPerConnection = 10'000;               // then the connection is closed, so that none is held for ever
    int64_t handshakeTimeoutMs = 10'000;
    int64_t requestTimeoutMs = limits::requestTimeoutMs;   // to read one request, and to write one answer
    int64_t idleTimeoutMs = limits::idleTimeoutMs;         // between requests
    int64_t handlerTimeoutMs = 120'000;                    // then 504: the outcome is unknown
    int64_t webSocketSilenceMs = limits::heartbeatLostMs;  // pings are sent at half of it; silence closes
    int64_t eventStreamPingMs = 15'000;                    // a comment line, which finds dead readers
};

class HttpServer {
  public:
    HttpServer(HttpServerSettings settings, HttpHandler handler, WebSocketAcceptor acceptor = {});
    ~HttpServer();  // stops
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Binds every address (all or none) and starts serving. Once.
    Result<void> start();
    // Closes everything: answers being computed get no more than a moment, WebSockets get their onClosed, then every
    // thread of the server has ended. Within 2 s, or as soon as the slowest running callback has returned.
    void stop();

    // Where it listens, with the ports really taken; after start().
    std::vector<ListenAddress> addresses() const;
    uint16_t port() const;  // of the first address

    // For connections accepted from now on.
    Result<void> reloadCertificate(TlsIdentity identity);

    struct Figures {
        size_t connections = 0;
        size_t webSockets = 0;
        size_t eventStreams = 0;
        uint64_t accepted = 0;
        uint64_t refusedConnections = 0;  // over the limit
        uint64_t failedHandshakes = 0;
        uint64_t requests = 0;
    };
    Figures figures() const;

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace swb::net
