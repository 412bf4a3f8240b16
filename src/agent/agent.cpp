#include "agent/agent.h"

#include <unistd.h>

#include <chrono>

#include "agent/server_facts.h"
#include "base/file.h"
#include "base/log.h"

namespace swb::agent {
namespace {

constexpr int64_t tickMs = 50;

}  // namespace

Agent::Agent(Settings settings, Drivers& drivers)
    : settings_(std::move(settings)),
      guards_(settings_.directory.guards()),
      applications_(settings_.directory.applications()),
      services_{settings_.directory, settings_.version, drivers, guards_, applications_, locks_},
      renewal_(settings_.directory, settings_.configuration) {}

Result<std::unique_ptr<Agent>> Agent::start(Settings settings, Drivers& drivers) {
    TRY_VOID(settings.directory.make());
    std::unique_ptr<Agent> agent(new Agent(std::move(settings), drivers));
    TRY_VOID(agent->applications_.load());
    agent->ledger_ = TRY(Ledger::open(agent->settings_.directory.ledger()));
    agent->executor_ =
        std::make_unique<Executor>(agent->services_, *agent->ledger_, agent->settings_.verbs,
                                   [raw = agent.get()](const link::Message& message) { raw->say(message); });
    agent->sampler_ = std::make_unique<Sampler>(agent->services_);
    agent->supervisor_ = std::make_unique<Supervisor>(agent->services_);
    agent->executor_->settleUnfinished();
    if (agent->settings_.supervise) agent->supervisor_->start();
    agent->sampler_->start();
    agent->ticker_ = std::thread([raw = agent.get()] { raw->tickLoop(); });
    return agent;
}

Agent::~Agent() {
    {
        const std::lock_guard guard(tickMutex_);
        stopping_ = true;
    }
    tickWake_.notify_all();
    if (ticker_.joinable()) ticker_.join();
    supervisor_.reset();
    sampler_.reset();
    executor_.reset();
}

void Agent::opened(std::shared_ptr<Transport> transport) {
    link::Hello hello;
    hello.server = settings_.configuration.server;
    hello.agentVersion = settings_.version;
    hello.bootId = bootId();
    hello.verbs = executor_->verbs();
    hello.epochs = ledger_->epochs();
    hello.unfinished = executor_->unfinished();
    link::Actions actions;
    {
        const std::lock_guard guard(mutex_);
        transport_ = std::move(transport);
        session_ = std::make_unique<link::AgentSession>(std::move(hello));
        actions = step(link::Opened{});
    }
    perform(std::move(actions));
}

void Agent::received(std::string text) {
    link::Actions actions;
    {
        const std::lock_guard guard(mutex_);
        actions = step(link::Received{std::move(text)});
    }
    perform(std::move(actions));
}

void Agent::closed(const Error& error) {
    link::Actions actions;
    {
        const std::lock_guard guard(mutex_);
        if (session_)
            actions = step(link::Closed{error});
        else
            actions.push_back(link::Lost{error});  // an attempt that did not get so far
        session_.reset();
        transport_.reset();
    }
    perform(std::move(actions));
}

bool Agent::connected() const {
    const std::lock_guard guard(mutex_);
    return session_ && session_->state() == link::SessionState::established;
}

void Agent::say(const link::Message& message) {
    const std::lock_guard guard(mutex_);
    step(link::Say{message});
}

link::Actions Agent::step(const link::Event& event) {
    if (!session_) return {};
    link::Actions left;
    for (auto& action : session_->resume(event, SystemClock().monotonic())) {
        if (auto* send = std::get_if<link::Send>(&action))
            transport_->send(std::move(send->text));
        else if (auto* close = std::get_if<link::Close>(&action))
            transport_->close(close->reason);
        else
            left.push_back(std::move(action));
    }
    return left;
}

void Agent::perform(link::Actions actions) {
    for (auto& action : actions) {
        if (std::holds_alternative<link::Established>(action)) {
            noteConnection(true, "");
        } else if (auto* lost = std::get_if<link::Lost>(&action)) {
            noteConnection(false, describe(lost->error));
        } else if (auto* delivery = std::get_if<link::Deliver>(&action)) {
            deliver(delivery->message);
        }
    }
}

// In the order of arrival, and without waiting for any verb: an inquiry behind a command finds it known.
void Agent::deliver(link::Message& message) {
    if (auto* command = std::get_if<link::Command>(&message)) {
        executor_->submit(std::move(*command));
    } else if (auto* inquire = std::get_if<link::Inquire>(&message)) {
        say(executor_->inquire(inquire->id));
    } else if (auto* cancel = std::get_if<link::Cancel>(&message)) {
        executor_->cancel(cancel->id);
    } else if (auto* certificate = std::get_if<link::Certificate>(&message)) {
        if (auto installed = renewal_.install(certificate->pem, certificate->authority); !installed)
            return logError("identity", "a renewed certificate is not usable: {}", describe(installed.error()));
        logInfo("identity", "the certificate was renewed");
        settings_.identityChanged();
    }
}

void Agent::tickLoop() {
    std::unique_lock lock(tickMutex_);
    while (!stopping_) {
        lock.unlock();
        tick();
        lock.lock();
        tickWake_.wait_for(lock, std::chrono::milliseconds(tickMs), [this] { return stopping_; });
    }
}

void Agent::tick() {
    link::Actions actions;
    {
        const std::lock_guard guard(mutex_);
        if (!session_) return;
        actions = step(link::Ticked{});
        if (session_->heartbeatDue(SystemClock().monotonic()))
            step(link::Say{link::Heartbeat{0, SystemClock().now(), sampler_->facts()}});
    }
    perform(std::move(actions));
    if (connected()) renewIfDue();
}

void Agent::renewIfDue() {
    const auto request = renewal_.requestIfDue(SystemClock().now());
    if (!request) return logError("identity", "the certificate cannot be renewed: {}", describe(request.error()));
    if (!request->empty()) say(link::Renew{*request});
}

void Agent::noteConnection(bool connected, const std::string& problem) {
    const std::lock_guard guard(noteMutex_);
    const std::string text = (connected ? "+" : "-") + problem;
    if (text == noted_) return;
    if (connected)
        logInfo("link", "connected to {}", settings_.configuration.controller);
    else
        logWarning("link", "not connected: {}", problem);
    noted_ = text;
    const Json note =
        JsonObject{{"pid", ::getpid()}, {"connected", connected}, {"since", SystemClock().now()}, {"error", problem}};
    if (auto written = writeFileAtomically(settings_.directory.connection(), toText(note) + "\n"); !written)
        logWarning("link", "{}", describe(written.error()));
}

}  // namespace swb::agent
