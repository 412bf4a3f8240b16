// Keeps applications informed of the replicas inside them (F21): when one has stopped following for a while, or follows
// again, the application is told by a run of its own, which restarts or reloads processes as its definition says.
//
//     telemetry ──► who follows now ──steady for a while──► run `environment` ──► application.refresh
//                                          ▲
//     runs of others (apply, switch, replicate) ── what was told last
//
// Never in the way of anything: an application that another run works on is looked at later.
#pragma once

#include <map>

#include "dispatch/conductor.h"
#include "plan/environment.h"

namespace swb::dispatch {

// One application's replicas: what it was told, and since when it is not true any more. Pure.
class Membership {
  public:
    // A replica that goes is missed by readers at once, but a restart of everything for a moment's cut costs more.
    static constexpr int64_t goneMs = 20'000, backMs = 5'000;

    explicit Membership(plan::ReplicaAddresses told) : told_(std::move(told)) {}
    void told(plan::ReplicaAddresses addresses) { told_ = std::move(addresses); }
    // Whether it is time to tell it anew, seeing who follows at this moment.
    bool isDue(const plan::ReplicaAddresses& following, MonotonicMs now);

  private:
    plan::ReplicaAddresses told_, seen_;
    MonotonicMs since_ = 0;  // of what is seen, while that is not what was told; 0: it is
};

// FACTS of a copy's databases from the newest telemetry of connected agents.
plan::FactsOf factsFrom(const Fleet& fleet);
Result<std::vector<Link>> linksIn(const store::Store& store);

class ReplicaMembers {
  public:
    // What an application was told last by any run; nothing: not since the controller started.
    using Told = std::function<std::optional<plan::ReplicaAddresses>(const std::string& application)>;
    ReplicaMembers(store::Store& store, const Fleet& fleet, Conductor& conductor, const Clock& clock, Told told)
        : store_(store), fleet_(fleet), conductor_(conductor), clock_(clock), told_(std::move(told)) {}

    // Now and then, from one thread.
    void tick(MonotonicMs now);

  private:
    void look(const Application& application, const std::vector<Link>& links, MonotonicMs now);
    Result<void> begin(const Application& application, const plan::ReplicaAddresses& following);

    static constexpr int64_t periodMs = 1000;
    store::Store& store_;
    const Fleet& fleet_;
    Conductor& conductor_;
    const Clock& clock_;
    const Told told_;
    std::map<std::string, Membership> memberships_;
    MonotonicMs dueAt_ = 0;
};

}  // namespace swb::dispatch
