// One agent: everything of this module put together, with an opening for a connection.
//
//        transport (net, wired by the program)
//   opened received closed │ ▲ send close
//                          ▼ │
//   AgentSession (link) ── commands ──► Executor ──► verbs ──► drivers
//        ▲ heartbeats                      └── outcomes, progress ──► session
//        └── Sampler                    Supervisor: keeps things running, connection or not
//
// It never dials: the program does and hands over each connection. Losing it stops nothing.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/executor.h"
#include "agent/identity.h"
#include "agent/sampler.h"
#include "agent/supervisor.h"
#include "link/session.h"

namespace swb::agent {

class Transport {
  public:
    virtual ~Transport() = default;
    // Never blocks; false when it is gone. The agent calls both from any thread.
    virtual bool send(std::string text) = 0;
    virtual void close(std::string reason) = 0;
};

class Agent {
  public:
    struct Settings {
        AgentDirectory directory;
        AgentConfiguration configuration;
        std::string version;
        // A renewed certificate was installed: connect anew with it.
        std::function<void()> identityChanged = [] {};
        std::span<const VerbRow> verbs = verbTable();
        bool supervise = true;
    };
    // Reads what is kept, begins to settle what was cut off, and to supervise. The directory's lock is the caller's.
    static Result<std::unique_ptr<Agent>> start(Settings settings, Drivers& drivers);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // The events of one connection after the other; from one thread at a time.
    void opened(std::shared_ptr<Transport> transport);
    void received(std::string text);
    void closed(const Error& error);
    bool connected() const;

    // Takes no new command; waits for those that run. The connection should still be there, so that outcomes are heard.
    bool drain(MonotonicMs deadline) { return executor_->drain(deadline); }

  private:
    explicit Agent(Settings settings, Drivers& drivers);
    void tickLoop();
    void tick();
    void say(const link::Message& message);
    // Under the lock: gives `event` to the session, sends, and answers what is left to do without the lock.
    link::Actions step(const link::Event& event);
    void perform(link::Actions actions);
    void deliver(link::Message& message);
    void renewIfDue();
    void noteConnection(bool connected, const std::string& problem);

    Settings settings_;
    BootGuards guards_;
    Applications applications_;
    Locks locks_;
    Services services_;
    std::unique_ptr<Ledger> ledger_;
    Renewal renewal_;
    std::unique_ptr<Supervisor> supervisor_;
    std::unique_ptr<Sampler> sampler_;

    mutable std::mutex mutex_;
    std::unique_ptr<link::AgentSession> session_;
    std::shared_ptr<Transport> transport_;
    std::mutex noteMutex_;
    std::string noted_;  // what the connection file says

    std::mutex tickMutex_;
    std::condition_variable tickWake_;
    bool stopping_ = false;
    std::thread ticker_;
    std::unique_ptr<Executor> executor_;  // last but for nothing: its threads use all of the above
};

}  // namespace swb::agent
