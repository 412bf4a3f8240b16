#include "agent/sampler.h"

#include <algorithm>
#include <chrono>

#include "agent/server_facts.h"

namespace swb::agent {
namespace {

constexpr int64_t staleMs = 3'000;
constexpr int64_t lookMs = 5'000;
// Only readiness checks need these, and they ask by database.inspect.
constexpr std::string_view leftOut[] = {"settings", "databases", "extensions"};

driver::Context contextOf(std::string stateDirectory) {
    driver::Context context;
    context.deadline = SystemClock().monotonic() + lookMs;
    context.stateDirectory = std::move(stateDirectory);
    return context;
}

}  // namespace

Sampler::Sampler(Services& services, int64_t periodMs) : services_(services), periodMs_(periodMs) {}

Sampler::~Sampler() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Sampler::start() {
    thread_ = std::thread([this] { loop(); });
}

void Sampler::loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        sample();
        lock.lock();
        wake_.wait_for(lock, std::chrono::milliseconds(periodMs_), [this] { return stopping_; });
    }
}

void Sampler::sample() {
    {
        const std::lock_guard guard(mutex_);
        ++round_;
    }
    pool_.submitOnce("server", [this] {
        Json facts = serverFacts(services_.agentVersion, services_.diskPaths());
        const std::lock_guard guard(mutex_);
        server_ = std::move(facts);
        sampledAt_ = SystemClock().now();
    });
    for (const LocalApplication& application : services_.applications.all()) {
        for (const auto& [name, spec] : application.databases) {
            const DatabaseKey key{application.name, name};
            expect(databases_, key.text());
            pool_.submitOnce("d" + key.text(),
                             [this, key, spec = spec] { keep(databases_, key.text(), databaseFacts(key, spec)); });
        }
        for (const auto& web : application.web) {
            const std::string key = application.name + "/" + web.address;
            expect(fronts_, key);
            pool_.submitOnce("f" + key,
                             [this, key, web, name = application.name] { keep(fronts_, key, frontFacts(name, web)); });
        }
        for (const auto& [name, process] : application.processes) {
            const std::string key = application.name + "/" + name;
            expect(processes_, key);
            pool_.submitOnce("p" + key, [this, key, process = process, owner = application.name] {
                keep(processes_, key, processFacts(owner, process));
            });
        }
    }
    const std::lock_guard guard(mutex_);
    for (Samples* samples : {&databases_, &fronts_, &processes_})
        std::erase_if(*samples, [this](const auto& entry) { return entry.second.round < round_; });
}

void Sampler::expect(Samples& samples, const std::string& key) {
    const std::lock_guard guard(mutex_);
    samples[key].round = round_;
}

void Sampler::keep(Samples& samples, const std::string& key, Json facts) {
    const std::lock_guard guard(mutex_);
    const auto sample = samples.find(key);
    if (sample == samples.end()) return;  // removed meanwhile
    sample->second.facts = std::move(facts);
    sample->second.at = SystemClock().monotonic();
    sample->second.seenAt = SystemClock().now();
}

JsonObject Sampler::shown(const Samples& samples) const {
    JsonObject out;
    const MonotonicMs now = SystemClock().monotonic();
    for (const auto& [key, sample] : samples) {
        if (!sample.facts.is_object()) continue;
        JsonObject facts = sample.facts.get_object();
        facts["at"] = sample.seenAt;
        if (now - sample.at > staleMs) {
            facts["stale"] = true;
            facts["ageMs"] = now - sample.at;
        }
        out[key] = std::move(facts);
    }
    return out;
}

Json Sampler::facts() const {
    const std::lock_guard guard(mutex_);
    if (sampledAt_ == 0) return nullptr;
    return JsonObject{{"sampledAt", sampledAt_},
                      {"server", server_},
                      {"databases", shown(databases_)},
                      {"fronts", shown(fronts_)},
                      {"processes", shown(processes_)}};
}

Json Sampler::databaseFacts(const DatabaseKey& key, const DatabaseSpec& spec) {
    auto driver = services_.drivers.database(spec.engine);
    if (!driver) return JsonObject{{"name", spec.name}, {"error", describe(driver.error())}};
    Json facts = (*driver)->inspect(spec, nullptr, contextOf(services_.databaseState(spec)));
    if (!facts.is_object()) return JsonObject{{"name", spec.name}, {"error", "no facts"}};
    for (const auto member : leftOut) facts.as_object().erase(member);
    facts.as_object()["guard"] = services_.guards.facts(key);
    return facts;
}

Json Sampler::frontFacts(const std::string& application, const WebSpec& web) {
    auto driver = services_.drivers.web(web.front);
    if (!driver) return JsonObject{{"running", false}, {"error", describe(driver.error())}};
    const auto context = contextOf(services_.webState(web));
    const auto mode = (*driver)->maintenance(application, web, context);
    const auto probe = (*driver)->probe(application, web, context);
    return JsonObject{{"running", probe.status != 0},
                      {"mode", mode == driver::MaintenanceMode::page ? "page" : "off"},
                      {"error", probe.error}};
}

Json Sampler::processFacts(const std::string& application, const ProcessSpec& process) {
    const auto state = services_.drivers.process().inspect(application, process, contextOf(services_.processState()));
    const auto pacing = services_.pacing->state(application + "/" + process.name, SystemClock().monotonic());
    JsonObject facts{{"pid", state.pid},   {"running", state.running},    {"healthy", state.healthy},
                     {"user", state.user}, {"restarts", pacing.restarts}, {"error", state.error}};
    if (!state.running && pacing.nextInMs > 0) facts["nextStartInMs"] = pacing.nextInMs;
    return facts;
}

}  // namespace swb::agent
