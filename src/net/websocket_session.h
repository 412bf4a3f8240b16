// One open WebSocket, seen from either end, without a trace of sockets.
//
//   any thread ── send() ──► bounded queue ──► net thread ──► peer
//   peer ──► net thread ──► callback queue ──► onMessage, onMessage, …, onClosed
//
// The callbacks of one session come one after the other, in the order of the messages, and not on the net thread: they
// may block, and while they lag the peer is not read from (TCP holds it back). onClosed comes exactly once and last.
// A message is only handed to the transport: whether the peer has it is known when the peer says so.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace swb::net {

class WebSocketSession {
  public:
    virtual ~WebSocketSession() = default;

    // False: the session is closed, or the peer reads too slowly, the queue was full and the session is cut now.
    // Thread-safe, never blocks.
    virtual bool send(std::string text) = 0;
    // Sends what is queued, then a close frame with the reason (cut to 120 bytes). Thread-safe, idempotent, never
    // blocks.
    virtual void close(std::string reason) = 0;
    virtual bool closed() const = 0;

    // Common name of the peer's verified certificate.
    virtual const std::string& peerName() const = 0;
    // The peer's IP address.
    virtual const std::string& remoteAddress() const = 0;
};

using WebSocketHandle = std::shared_ptr<WebSocketSession>;

struct WebSocketCallbacks {
    std::function<void(std::string text)> onMessage;
    // Why it ended, as a sentence: the peer's close reason, a network error, a broken limit.
    std::function<void(const Error& error)> onClosed;
};

}  // namespace swb::net
