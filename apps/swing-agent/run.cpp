#include "run.h"

#include <signal.h>

#include <atomic>
#include <cstring>

#include "agent/agent.h"
#include "base/file_limit.h"
#include "base/log.h"
#include "net/websocket_client.h"

namespace swb {
namespace {

class WebSocketTransport final : public agent::Transport {
  public:
    explicit WebSocketTransport(net::WebSocketHandle session) : session_(std::move(session)) {}
    bool send(std::string text) override { return session_->send(std::move(text)); }
    void close(std::string reason) override { session_->close(std::move(reason)); }

  private:
    net::WebSocketHandle session_;
};

// Asked before each attempt, so a renewed certificate is used by the next connection. When the files cannot be read the
// attempt fails like any other and comes again.
net::WebSocketTarget targetOf(const agent::AgentDirectory& directory, const agent::ControllerAddress& address) {
    net::WebSocketTarget target;
    target.host = address.host;
    target.port = address.port;
    const auto identity = agent::loadIdentity(directory);
    if (!identity) {
        logError("identity", "{}", describe(identity.error()));
        return target;
    }
    target.identity = net::TlsIdentity{identity->certificatePem, identity->keyPem, identity->authorityPem};
    return target;
}

void awaitStop(const sigset_t& signals) {
    int signalNumber = 0;
    while (::sigwait(&signals, &signalNumber) != 0) {
    }
    logInfo("agent", "{} received: stopping; databases and processes go on", ::strsignal(signalNumber));
}

}  // namespace

Result<void> runAgent(const RunSettings& settings) {
    // Blocked before any thread exists, so that only awaitStop() takes them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    raiseFileLimit("agent");

    const auto configuration = TRY(agent::loadConfiguration(settings.directory));
    TRY(agent::loadIdentity(settings.directory));
    const auto address = TRY(agent::controllerAddress(configuration.controller));
    TRY_VOID(settings.directory.make());
    const Fd lock = TRY(settings.directory.acquireLock());

    const auto drivers = agent::makeDrivers();
    std::atomic<net::PersistentWebSocket*> socket{nullptr};
    agent::Agent::Settings agentSettings;
    agentSettings.directory = settings.directory;
    agentSettings.configuration = configuration;
    agentSettings.version = SWB_VERSION;
    agentSettings.identityChanged = [&socket] {
        if (auto* current = socket.load()) current->reconnect("the certificate was renewed");
    };
    const auto agent = TRY(agent::Agent::start(std::move(agentSettings), *drivers));
    logInfo("agent", "server {} of controller {}", configuration.server, configuration.controller);

    net::WebSocketEvents events;
    events.onOpen = [&agent](const net::WebSocketHandle& session) {
        agent->opened(std::make_shared<WebSocketTransport>(session));
    };
    events.onMessage = [&agent](std::string text) { agent->received(std::move(text)); };
    events.onClosed = [&agent](const Error& error) { agent->closed(error); };
    {
        net::PersistentWebSocket connection([&settings, &address] { return targetOf(settings.directory, address); },
                                            std::move(events));
        socket = &connection;
        awaitStop(signals);
        const bool idle = agent->drain(SystemClock().monotonic() + settings.stopMs);
        socket = nullptr;
        connection.stop();
        if (!idle) {
            // A verb that does not end in time must not hold the machine's shutdown; its ledger entry is settled at the
            // next start as after a crash.
            logWarning("agent", "verbs still run after {} ms; the next start settles them", settings.stopMs);
            std::_Exit(0);
        }
    }
    return {};
}

}  // namespace swb
