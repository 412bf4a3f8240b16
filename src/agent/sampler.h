// Telemetry: what heartbeats carry. Each thing is looked at in a thread of its own kind, once a period, never twice at
// a time; facts() answers at once with the newest known. So a database that hangs makes its own facts old and nothing
// else late.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "agent/verb.h"
#include "agent/worker_pool.h"

namespace swb::agent {

class Sampler {
  public:
    explicit Sampler(Services& services, int64_t periodMs = 1000);
    ~Sampler();

    void start();
    // Looks at everything that is not being looked at.
    void sample();
    // {sampledAt, server, databases, fronts, processes}; null before the first sample.
    Json facts() const;
    bool awaitIdle(MonotonicMs deadline) { return pool_.awaitIdle(deadline); }

  private:
    struct Sample {
        Json facts;
        MonotonicMs at = 0;
        UnixMs seenAt = 0;
        uint64_t round = 0;  // a thing that was not asked for in the newest round is gone
    };
    using Samples = std::map<std::string, Sample>;

    void loop();
    void keep(Samples& samples, const std::string& key, Json facts);
    void expect(Samples& samples, const std::string& key);
    JsonObject shown(const Samples& samples) const;
    Json databaseFacts(const DatabaseKey& key, const DatabaseSpec& spec);
    Json frontFacts(const std::string& application, const WebSpec& web);
    Json processFacts(const std::string& application, const ProcessSpec& process);

    Services& services_;
    const int64_t periodMs_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    uint64_t round_ = 0;
    UnixMs sampledAt_ = 0;
    Json server_;
    Samples databases_, fronts_, processes_;
    std::thread thread_;
    WorkerPool pool_{16};
};

}  // namespace swb::agent
