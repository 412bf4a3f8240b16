// The agents as the controller sees them: who is connected, what each can do, what it last said.
//
//     socket ──text──► Fleet (one ControllerSession per connection) ──► listener: connected, lost, outcome, progress …
//     Conductor, Inspector ── send(server, message) ──► socket
//
// Knows nothing of runs. Thread-safe; the listener is called from the thread that brought the text, without locks held.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "link/session.h"
#include "plan/snapshot.h"

namespace swb::dispatch {

// One open connection, whatever carries it.
class Channel {
  public:
    virtual ~Channel() = default;
    virtual bool send(std::string text) = 0;
    virtual void close(std::string reason) = 0;
    virtual std::string remoteAddress() const = 0;
};

struct FleetListener {
    std::function<void(const std::string& server)> connected = [](const std::string&) {};
    std::function<void(const std::string& server)> lost = [](const std::string&) {};
    std::function<void(const std::string& server, const link::Message&)> message = [](const std::string&,
                                                                                      const link::Message&) {};
};

class Fleet {
  public:
    Fleet(const Clock& clock, std::string controllerVersion) : clock_(clock), version_(std::move(controllerVersion)) {}

    void addListener(FleetListener listener);

    // A connection whose certificate says `server`. A newer connection of a server replaces the older one.
    using ConnectionId = uint64_t;
    ConnectionId opened(const std::string& server, std::shared_ptr<Channel> channel);
    void received(ConnectionId id, std::string text);
    void closed(ConnectionId id, const Error& error);
    // Drops connections that have been silent too long; call about every 500 ms.
    void tick();

    // False: certainly not sent, for it is not connected or its connection takes nothing more.
    bool send(const std::string& server, const link::Message& message);
    void disconnect(const std::string& server, const std::string& reason);
    bool connected(const std::string& server) const;
    plan::AgentView view(const std::string& server) const;
    UnixMs lastSeen(const std::string& server) const;
    std::string remoteAddress(const std::string& server) const;
    Json facts(const std::string& server) const;  // newest telemetry; null when there is none
    // The same without a copy; null pointer when there is none.
    std::shared_ptr<const Json> sharedFacts(const std::string& server) const;
    size_t connectedCount() const;

  private:
    struct Connection {
        std::string server;
        std::shared_ptr<Channel> channel;
        link::ControllerSession session;
    };
    struct Agent {
        ConnectionId connection = 0;  // 0: none established
        plan::AgentView view;
        UnixMs lastSeenAt = 0;
        std::shared_ptr<const Json> facts;
    };

    // False: something was not taken by the connection.
    bool perform(ConnectionId id, const link::Actions& actions);
    void establish(ConnectionId id, const link::Hello& hello);
    void drop(ConnectionId id);
    void notice(const std::string& server, const link::Message& message);

    const Clock& clock_;
    std::string version_;
    mutable std::mutex mutex_;
    std::vector<FleetListener> listeners_;
    ConnectionId nextId_ = 1;
    std::map<ConnectionId, std::shared_ptr<Connection>> connections_;
    std::map<std::string, Agent> agents_;
};

}  // namespace swb::dispatch
