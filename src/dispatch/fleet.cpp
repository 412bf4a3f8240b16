#include "dispatch/fleet.h"

#include "base/log.h"

namespace swb::dispatch {

void Fleet::addListener(FleetListener listener) {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
}

Fleet::ConnectionId Fleet::opened(const std::string& server, std::shared_ptr<Channel> channel) {
    link::ControllerSession::Settings settings;
    settings.certificateName = server;
    settings.controllerVersion = version_;
    ConnectionId id = 0;
    link::Actions actions;
    {
        const std::lock_guard lock(mutex_);
        id = nextId_++;
        auto connection = std::make_shared<Connection>(
            Connection{server, std::move(channel), link::ControllerSession(std::move(settings))});
        connections_.emplace(id, connection);
        actions = connection->session.resume(link::Opened{}, clock_.monotonic());
    }
    perform(id, actions);
    return id;
}

void Fleet::received(ConnectionId id, std::string text) {
    link::Actions actions;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(id);
        if (found == connections_.end()) return;
        actions = found->second->session.resume(link::Received{std::move(text)}, clock_.monotonic());
    }
    perform(id, actions);
}

void Fleet::closed(ConnectionId id, const Error& error) {
    link::Actions actions;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(id);
        if (found == connections_.end()) return;
        actions = found->second->session.resume(link::Closed{error}, clock_.monotonic());
    }
    perform(id, actions);
    drop(id);
}

void Fleet::tick() {
    std::vector<std::pair<ConnectionId, link::Actions>> due;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [id, connection] : connections_)
            if (auto actions = connection->session.resume(link::Ticked{}, clock_.monotonic()); !actions.empty())
                due.emplace_back(id, std::move(actions));
    }
    for (const auto& [id, actions] : due) perform(id, actions);
}

bool Fleet::perform(ConnectionId id, const link::Actions& actions) {
    std::shared_ptr<Connection> connection;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(id);
        if (found == connections_.end()) return false;
        connection = found->second;
    }
    bool taken = true;
    for (const link::Action& action : actions) {
        if (const auto* send = std::get_if<link::Send>(&action)) {
            taken = connection->channel->send(send->text) && taken;
        } else if (const auto* close = std::get_if<link::Close>(&action)) {
            connection->channel->close(close->reason);
        } else if (const auto* established = std::get_if<link::Established>(&action)) {
            establish(id, std::get<link::Hello>(established->peer));
        } else if (const auto* deliver = std::get_if<link::Deliver>(&action)) {
            notice(connection->server, deliver->message);
        } else if (const auto* lost = std::get_if<link::Lost>(&action)) {
            logInfo("fleet", "agent of {} gone: {}", connection->server, describe(lost->error));
            drop(id);
        }
    }
    return taken;
}

void Fleet::establish(ConnectionId id, const link::Hello& hello) {
    std::vector<FleetListener> listeners;
    std::shared_ptr<Channel> replaced;
    {
        const std::lock_guard lock(mutex_);
        Agent& agent = agents_[hello.server];
        if (agent.connection && agent.connection != id)
            if (const auto old = connections_.find(agent.connection); old != connections_.end()) {
                replaced = old->second->channel;
                connections_.erase(old);
            }
        agent.connection = id;
        agent.view.connected = true;
        agent.view.verbs = hello.verbs;
        agent.view.version = hello.agentVersion;
        agent.lastSeenAt = clock_.now();
        listeners = listeners_;
    }
    if (replaced) replaced->close("a newer connection of this server took its place");
    logInfo("fleet", "agent of {} connected, version {}, {} verbs", hello.server, hello.agentVersion,
            hello.verbs.size());
    for (const FleetListener& listener : listeners) listener.connected(hello.server);
}

void Fleet::drop(ConnectionId id) {
    std::string server;
    std::vector<FleetListener> listeners;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(id);
        if (found == connections_.end()) return;
        const std::string name = found->second->server;
        connections_.erase(found);
        const auto agent = agents_.find(name);
        if (agent != agents_.end() && agent->second.connection == id) {
            agent->second.connection = 0;
            agent->second.view.connected = false;
            server = name;
            listeners = listeners_;
        }
    }
    if (!server.empty())
        for (const FleetListener& listener : listeners) listener.lost(server);
}

void Fleet::notice(const std::string& server, const link::Message& message) {
    std::vector<FleetListener> listeners;
    {
        const std::lock_guard lock(mutex_);
        Agent& agent = agents_[server];
        agent.lastSeenAt = clock_.now();
        if (const auto* heartbeat = std::get_if<link::Heartbeat>(&message)) {
            agent.view.clockSkewMs = heartbeat->at - clock_.now();
            if (!heartbeat->facts.is_null()) agent.facts = std::make_shared<const Json>(heartbeat->facts);
        }
        listeners = listeners_;
    }
    for (const FleetListener& listener : listeners) listener.message(server, message);
}

bool Fleet::send(const std::string& server, const link::Message& message) {
    std::shared_ptr<Connection> connection;
    ConnectionId id = 0;
    link::Actions actions;
    {
        const std::lock_guard lock(mutex_);
        const auto agent = agents_.find(server);
        if (agent == agents_.end() || !agent->second.connection) return false;
        id = agent->second.connection;
        connection = connections_.at(id);
        actions = connection->session.resume(link::Say{message}, clock_.monotonic());
    }
    return perform(id, actions) && !actions.empty();
}

void Fleet::disconnect(const std::string& server, const std::string& reason) {
    std::shared_ptr<Channel> channel;
    {
        const std::lock_guard lock(mutex_);
        const auto agent = agents_.find(server);
        if (agent == agents_.end() || !agent->second.connection) return;
        channel = connections_.at(agent->second.connection)->channel;
    }
    channel->close(reason);
}

bool Fleet::connected(const std::string& server) const {
    const std::lock_guard lock(mutex_);
    const auto agent = agents_.find(server);
    return agent != agents_.end() && agent->second.connection != 0;
}

plan::AgentView Fleet::view(const std::string& server) const {
    const std::lock_guard lock(mutex_);
    const auto agent = agents_.find(server);
    return agent == agents_.end() ? plan::AgentView{} : agent->second.view;
}

UnixMs Fleet::lastSeen(const std::string& server) const {
    const std::lock_guard lock(mutex_);
    const auto agent = agents_.find(server);
    return agent == agents_.end() ? 0 : agent->second.lastSeenAt;
}

std::string Fleet::remoteAddress(const std::string& server) const {
    const std::lock_guard lock(mutex_);
    const auto agent = agents_.find(server);
    if (agent == agents_.end() || !agent->second.connection) return {};
    return connections_.at(agent->second.connection)->channel->remoteAddress();
}

std::shared_ptr<const Json> Fleet::sharedFacts(const std::string& server) const {
    const std::lock_guard lock(mutex_);
    const auto agent = agents_.find(server);
    return agent == agents_.end() ? nullptr : agent->second.facts;
}

Json Fleet::facts(const std::string& server) const {
    const auto facts = sharedFacts(server);
    return facts ? *facts : Json(nullptr);
}

size_t Fleet::connectedCount() const {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const auto& [name, agent] : agents_) count += agent.connection != 0;
    return count;
}

}  // namespace swb::dispatch
