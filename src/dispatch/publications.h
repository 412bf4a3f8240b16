// Carries publications elsewhere out and watches over them: one job for each, worked on by a few threads.
//
//     group document, runs ──► want(target) ──► Job: Machine ──► store (journal) ──► Provider, name servers
//                                                   └─ standing ──► readiness, `swing publication list`, waiting runs
//     every minute: pre-flight. Does the credential work, is the mark ours, is the value what we think?
//     for two TTLs after a change: the same and every name server, at a quicker pace, for somebody may set it back
//     every week: the same value written once more, for a credential may read and no longer write
//
// The group documents say what should be; the documents of kind "publication" are the journal. After a restart both are
// read and every job goes on. A run only waits here: nothing of this holds the conductor's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "crypto/seal.h"
#include "model/group.h"
#include "plan/snapshot.h"
#include "publication/machine.h"
#include "store/store.h"

namespace swb::dispatch {

constexpr int64_t rewriteEveryMs = 7 * 24 * 3'600'000LL;
constexpr int64_t rewriteAgainMs = 3'600'000;  // after a refusal

struct PublicationSettings {
    std::vector<dns::Endpoint> resolvers;
    std::vector<publication::NameServerAddress>
        ownServers;            // of the controller's own zone, as its NS records name them
    std::string authorityPem;  // for the providers' APIs; empty: the system's authorities
    publication::MachineTiming timing = {};
    int64_t preflightMs = 60'000;
    int64_t watchMs = 15'000;    // between looks in the two TTLs after a change
    int64_t confirmMs = 75'000;  // how long a run waits for the name servers before it calls the step failed
    size_t threads = 4;
};

class Publications {
  public:
    Publications(store::Store& store, const crypto::Sealer& sealer, const Clock& clock, PublicationSettings settings);
    ~Publications();
    Result<void> start();
    void stop();

    // What the group's publications should be: the addresses of its current application at its epoch. Cheap; the work
    // is done by the threads. An application without an address of a publication's type leaves that one as it is.
    void want(const Group& group, const std::vector<std::string>& addresses);
    // Calls back when all of the group's publications are published at this epoch, or with what is in the way.
    void confirm(const std::string& group, int64_t epoch, std::function<void(Result<Json>)> done);
    // Takes a name over. Consent: needed when the set there differs from what is going to be published.
    struct Adoption {
        bool replace = false;
        std::string takeOver;  // id of the group whose mark may be replaced
    };
    Result<void> adopt(const Group& group, const std::string& key, const std::vector<std::string>& addresses,
                       const Adoption& adoption);
    // Takes the mark away at the provider before the publication is removed; the addresses stay there. Only a mark of
    // this group; that there is none is fine.
    Result<void> withdraw(const Group& group, const std::string& key) const;
    // Looks now: at the provider and at every name server. Changes nothing.
    Result<Json> look(const Group& group, const std::string& key) const;
    // Reads the group documents again: publications may have come and gone.
    void reconcile();

    std::vector<plan::PublicationView> views(const Group& group) const;
    Json describe(const Group& group, const Publication& publication) const;  // for the API
    publication::SurveySettings surveySettings() const;
    const PublicationSettings& settings() const { return settings_; }

    static std::string credentialId(const std::string& name) { return "credential/" + name; }

  private:
    struct Job;
    struct Waiter {
        std::string group;
        int64_t epoch;
        MonotonicMs deadline;
        std::function<void(Result<Json>)> done;
    };
    using JobPointer = std::shared_ptr<Job>;
    using Lock = std::unique_lock<std::mutex>;

    void work();
    JobPointer nextDue(Lock& lock);
    void advance(Job& job, Lock& lock);
    void beginAnew(Job& job);
    void preflight(Job& job, Lock& lock);
    void announceProblem(const Job& job, Lock& lock);
    bool isWatched(const Job& job) const;
    bool isRewriteDue(const Job& job) const;
    publication::Event perform(Job& job, const publication::Action& action);
    bool store(const Job& job, const publication::Record& record, bool standingChanged);
    Result<std::unique_ptr<publication::Provider>> providerFor(const Publication& publication) const;
    Result<Secret> credentialOf(const std::string& reference) const;
    JobPointer jobFor(const Group& group, const Publication& publication);
    void settleWaiters(Lock& lock);
    std::optional<Result<Json>> answerFor(const Waiter& waiter) const;

    store::Store& store_;
    const crypto::Sealer& sealer_;
    const Clock& clock_;
    const PublicationSettings settings_;
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, JobPointer> jobs_;  // by "group/name/type"
    std::vector<Waiter> waiters_;
    MonotonicMs reconcileAt_ = 0;
    std::vector<std::thread> threads_;
};

}  // namespace swb::dispatch
