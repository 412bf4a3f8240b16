// The agent's end of the link: one outgoing WebSocket over mutual TLS.
//
//   WebSocketClient       one attempt, one session, over when it is closed
//   PersistentWebSocket   dials again and again by ReconnectPolicy until it is stopped
//
// Each owns a net thread and a callback thread. The server's certificate must chain to the given authority and carry
// the host name or IP address that was dialled; there is no way to switch that off. No proxy, no redirect.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/result.h"
#include "net/reconnect.h"
#include "net/tls_identity.h"
#include "net/websocket_session.h"

namespace swb::net {

struct WebSocketTarget {
    std::string host;  // name or IP address; the certificate must be for it
    uint16_t port = 0;
    std::string path = "/v1/agent";
    TlsIdentity identity;
    std::string serverName;  // when not empty: what the certificate must be for, instead of host

    int64_t connectTimeoutMs = 5'000;  // connect, TLS and upgrade together (a name's look-up has the resolver's own)
    int64_t silenceMs = limits::heartbeatLostMs;  // pings are sent at half of it; silence closes
    size_t frameBytes = limits::linkFrameBytes;
    size_t sendQueueBytes = 4 * limits::linkFrameBytes;
};

struct WebSocketEvents {
    std::function<void(const WebSocketHandle& session)> onOpen;
    std::function<void(std::string text)> onMessage;
    // After an attempt that failed (no onOpen before it) and after a session ended.
    std::function<void(const Error& error)> onClosed;
};

// Starts dialling at once. All events come from one thread, in order; onClosed exactly once and last.
class WebSocketClient {
  public:
    WebSocketClient(WebSocketTarget target, WebSocketEvents events);
    ~WebSocketClient();  // closes, waits for a running event; onClosed has been called. Not from within an event.

    // As WebSocketSession; send() is false before onOpen.
    bool send(std::string text);
    void close(std::string reason);

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

// The same events, repeatedly: (onOpen onMessage* onClosed | onClosed)*.
class PersistentWebSocket {
  public:
    // target: asked before each attempt, on the net thread, so that renewed certificates are taken up.
    PersistentWebSocket(std::function<WebSocketTarget()> target, WebSocketEvents events,
                        ReconnectPolicy policy = ReconnectPolicy());
    PersistentWebSocket(WebSocketTarget target, WebSocketEvents events, ReconnectPolicy policy = ReconnectPolicy());
    ~PersistentWebSocket();  // stops

    // False while there is no session: nothing is kept for the next one.
    bool send(std::string text);
    bool connected() const;
    // Ends the present session and dials again at once: after a certificate renewal.
    void reconnect(std::string reason);
    // Closes the session; no event after it returns. Not from within an event.
    void stop();

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace swb::net
