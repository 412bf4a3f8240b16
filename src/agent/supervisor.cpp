#include "agent/supervisor.h"

#include <chrono>

#include "base/log.h"

namespace swb::agent {
namespace {

constexpr int64_t databaseStartMs = 120'000;  // crash recovery may take a while; it is not cut off by us
constexpr int64_t lookMs = 15'000;

driver::Context contextOf(std::string stateDirectory, int64_t milliseconds) {
    driver::Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    context.stateDirectory = std::move(stateDirectory);
    return context;
}

}  // namespace

Supervisor::Supervisor(Services& services, int64_t periodMs) : services_(services), periodMs_(periodMs) {}

Supervisor::~Supervisor() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Supervisor::start() {
    thread_ = std::thread([this] { loop(); });
}

void Supervisor::loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        look();
        lock.lock();
        wake_.wait_for(lock, std::chrono::milliseconds(periodMs_), [this] { return stopping_; });
    }
}

void Supervisor::look() {
    for (const LocalApplication& application : services_.applications.all()) {
        for (const auto& [name, spec] : application.databases) {
            // Those of another service manager too: the driver starts none of them, but a server that came up closed is
            // opened, or kept closed, by what its guard says.
            const DatabaseKey key{application.name, name};
            pool_.submitOnce("database:" + key.text(), [this, key, spec = spec] { lookAtDatabase(key, spec); });
        }
        for (const auto& web : application.web)
            if (web.service.manage == Manage::direct)
                pool_.submitOnce("front:" + web.service.config + web.address, [this, web] { lookAtFront(web); });
        if (application.supervised && !application.processes.empty())
            pool_.submitOnce("processes:" + application.name,
                             [this, name = application.name] { lookAtProcesses(name); });
    }
}

void Supervisor::lookAtDatabase(const DatabaseKey& key, const DatabaseSpec& spec) {
    const auto held = services_.locks.tryAcquire("database:" + key.text());
    if (held.empty()) return;
    const auto guard = services_.guards.read(key);
    if (!guard) return report(key.text(), describe(guard.error()));
    if (*guard && (*guard)->fenced) return;
    auto driver = services_.drivers.database(spec.engine);
    if (!driver) return report(key.text(), describe(driver.error()));
    const auto running = (*driver)->ensureRunning(spec, *guard ? (*guard)->role : "",
                                                  contextOf(services_.databaseState(spec), databaseStartMs));
    report(key.text(), running ? "" : describe(running.error()));
}

void Supervisor::lookAtFront(const WebSpec& web) {
    const auto held = services_.locks.tryAcquire(frontLock(web));
    if (held.empty()) return;
    auto driver = services_.drivers.web(web.front);
    if (!driver) return report(web.address, describe(driver.error()));
    const auto running = (*driver)->ensureRunning(web, contextOf(services_.webState(web), lookMs));
    report("front " + web.address, running ? "" : describe(running.error()));
}

void Supervisor::lookAtProcesses(const std::string& name) {
    const auto held = services_.locks.tryAcquire("application:" + name);
    if (held.empty()) return;
    // Read under the lock: a verb may have changed the state since the look began.
    const auto application = services_.applications.get(name);
    if (!application || !application->supervised) return;
    auto& driver = services_.drivers.process();
    for (const auto& [processName, process] : application->processes) {
        const driver::Context context = contextOf(services_.processState(), lookMs);
        const auto state = driver.inspect(name, process, context);
        const bool shouldRun = application->shouldRun(process);
        const std::string key = name + "/" + processName;
        const MonotonicMs now = SystemClock().monotonic();
        if (state.running) services_.pacing->sawRunning(key, now);
        if (state.running == shouldRun) {
            report(key, "");
            continue;
        }
        if (shouldRun && !services_.pacing->mayStart(key, now)) {
            report(key, "it keeps ending, so it is started less and less often: " + state.error);
            continue;
        }
        const auto changed = shouldRun ? driver.apply(name, process, application->environmentOf(process), context)
                                       : driver.stop(name, process, context);
        logWarning("supervisor", "process {}/{} was {}: {}", name, processName, shouldRun ? "down" : "up",
                   changed ? "corrected" : describe(changed.error()));
    }
}

void Supervisor::report(const std::string& subject, const std::string& problem) {
    const std::lock_guard guard(mutex_);
    std::string& last = problems_[subject];
    if (last == problem) return;
    if (problem.empty())
        logInfo("supervisor", "{} is as it should be", subject);
    else
        logWarning("supervisor", "{}: {}", subject, problem);
    last = problem;
}

}  // namespace swb::agent
