// The two ends of one connection as state machines without I/O: resume(event) answers what to do next.
//
//   socket ── opened / received / closed ──►            ── send / close ──► socket
//   clock  ── ticked ──────────────────────►  session
//   owner  ── say (a message) ─────────────►            ── established / deliver / lost ──► owner
//
// One session object is one connection; a reconnection makes a new one. `now` is a monotonic clock given by the caller.
// After Lost (always the last action, exactly once per connection that was established or refused) a session does
// nothing. Sessions keep nothing for a later connection: whoever missed an outcome inquires for it after the next
// Hello.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "link/message.h"

namespace swb::link {

// ---- events
struct Opened {};
struct Received {
    std::string text;
};
struct Closed {
    Error error;
};
struct Ticked {};
// The owner wants this sent. Before the session is established it is dropped (answered by no action).
struct Say {
    Message message;
};
using Event = std::variant<Opened, Received, Closed, Ticked, Say>;

// ---- actions
struct Send {
    std::string text;
};
struct Close {
    std::string reason;
};
// ControllerSession: `peer` is the agent's Hello. AgentSession: it is the controller's Welcome.
struct Established {
    Message peer;
};
// A message for the owner; only types that this end receives and that are not the session's own business.
struct Deliver {
    Message message;
};
struct Lost {
    Error error;
};
using Action = std::variant<Send, Close, Established, Deliver, Lost>;
using Actions = std::vector<Action>;

enum class SessionState { closed, opening, established, over };

// The controller's end. certificateName: common name of the client certificate that TLS verified.
class ControllerSession {
  public:
    struct Settings {
        std::string certificateName = {};
        std::string controllerVersion = {};
        int64_t heartbeatMs = limits::heartbeatMs;
        int64_t lostMs = limits::heartbeatLostMs;  // silence after which the agent counts as gone; also for the Hello
    };
    explicit ControllerSession(Settings settings) : settings_(std::move(settings)) {}

    Actions resume(const Event& event, MonotonicMs now);
    SessionState state() const { return state_; }
    const std::string& server() const { return server_; }

  private:
    Actions receive(const std::string& text, MonotonicMs now);
    Actions greet(const Hello& hello, MonotonicMs now);
    Actions end(Error error, bool tellPeer);

    Settings settings_;
    SessionState state_ = SessionState::closed;
    std::string server_;
    MonotonicMs heardAt_ = 0;
    int64_t sequence_ = 0;
};

// The agent's end. Hello goes out when the connection opens, heartbeats as often as the Welcome asks.
class AgentSession {
  public:
    explicit AgentSession(Hello hello, int64_t welcomeMs = limits::heartbeatLostMs)
        : hello_(std::move(hello)), welcomeMs_(welcomeMs) {}

    Actions resume(const Event& event, MonotonicMs now);
    SessionState state() const { return state_; }
    // Whether a heartbeat is due: the owner then says Heartbeat with time and facts; the sequence is put in here.
    bool heartbeatDue(MonotonicMs now) const;

  private:
    Actions receive(const std::string& text, MonotonicMs now);
    Actions end(Error error);

    Hello hello_;
    int64_t welcomeMs_;
    SessionState state_ = SessionState::closed;
    MonotonicMs openedAt_ = 0;
    int64_t heartbeatMs_ = limits::heartbeatMs;
    MonotonicMs heartbeatAt_ = 0;
    int64_t sequence_ = 0;
};

}  // namespace swb::link
