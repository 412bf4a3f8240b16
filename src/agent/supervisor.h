// Keeps running what should run on this server, from the agent's start on and whether or not there is a controller:
// databases that are managed directly in the role their boot guard permits, web fronts managed directly, and the
// processes of applications that were applied once. What a verb works on, and what is fenced, is left alone.
//
// This is where a returning old site stays fenced (invariant I8): the guard on disk decides, nobody is asked.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/verb.h"
#include "agent/worker_pool.h"

namespace swb::agent {

class Supervisor {
  public:
    explicit Supervisor(Services& services, int64_t periodMs = 1000);
    ~Supervisor();  // stops looking; everything it started goes on

    // One look at everything, by the pool; what hung at the last look is not asked again.
    void look();
    // Begins to look every period.
    void start();
    // For tests: waits until the looks that were begun have ended.
    bool awaitIdle(MonotonicMs deadline) { return pool_.awaitIdle(deadline); }

  private:
    void loop();
    void lookAtDatabase(const DatabaseKey& key, const DatabaseSpec& spec);
    void lookAtFront(const WebSpec& web);
    void lookAtProcesses(const std::string& application);
    // Says a thing once while it stays the same.
    void report(const std::string& subject, const std::string& problem);

    Services& services_;
    const int64_t periodMs_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::map<std::string, std::string> problems_;
    std::thread thread_;
    WorkerPool pool_{8};
};

}  // namespace swb::agent
