// Watches every link: what agents say of both ends → lag, state, alarms, history. One tick a second; status() answers
// from the newest facts. It changes nothing but its own documents (history, alarms) and never while a switch runs.
#pragma once

#include <atomic>

#include "dispatch/conductor.h"
#include "dispatch/link_history.h"
#include "health/link_alarm.h"

namespace swb::dispatch {

class LinkWatch {
  public:
    LinkWatch(store::Store& store, Fleet& fleet, const Conductor& conductor, const Clock& clock);

    // Call about twice a second.
    void tick();
    // Writes what is not written yet; at the end of the controller.
    void flush();

    // One link, or all with the copies that are being made: as the API shows them.
    Json status(const Link& link);
    Result<JsonArray> all();
    const LinkHistory& history() const { return history_; }
    // A link that is not there: both applications have the database, nothing is replicated.
    static Json absent(const std::string& from, const std::string& to, const std::string& database, Engine engine);

  private:
    struct Watched {
        Link link;
        Engine engine = Engine::postgresql;
        std::string group;
        std::string sourceServer, replicaServer;
        health::LagLimits limits;
        health::LagClock clock;
        health::LinkAlarms alarms;
        health::LinkHealth health;
        health::Lag lag;
        std::string synchronous;  // what is wrong with commits that should wait for the replica
        UnixMs sampledAt = 0;
        bool isListed = true;
    };
    using Seedings = std::map<std::string, health::Seeding>;  // by link id

    Result<void> reload();
    void restore(Watched& watched);
    Seedings seedings() const;
    std::pair<health::SideFacts, Json> sideOf(const Watched& watched, const std::string& application,
                                              const std::string& server) const;
    void look(Watched& watched, const Seedings& seedings);
    void raise(Watched& watched);
    void sample(Watched& watched, UnixMs now);
    void endOf(const Watched& watched, store::Commit& commit) const;
    bool mayWrite() const;
    static Json show(const Watched& watched);

    store::Store& store_;
    Fleet& fleet_;
    const Conductor& conductor_;
    const Clock& clock_;
    LinkHistory history_;
    std::mutex mutex_;
    std::map<std::string, Watched> links_;  // by id
    std::atomic<bool> isChanged_{true};     // links, groups or applications, since the last reload
    MonotonicMs tickAt_ = 0, flushAt_ = 0;
    store::Subscription subscription_;
};

}  // namespace swb::dispatch
