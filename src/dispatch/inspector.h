// Fresh facts for a plan or a check: asks every concerned agent at once and waits, bounded. Changes nothing anywhere.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "dispatch/fleet.h"
#include "dispatch/publications.h"
#include "dispatch/secondary_views.h"
#include "store/store.h"

namespace swb::dispatch {

// An application, or replicas inside one, by its name (model/copy.h), as its newest definition says.
Result<Application> loadCopy(const store::Store& store, const std::string& name);

class Inspector {
  public:
    Inspector(const store::Store& store, Fleet& fleet, const Clock& clock);

    // The applications as the group's current and the other (or as named), with links, facts of their databases,
    // fronts and processes. withFacts false: documents only.
    Result<plan::Snapshot> ofGroup(const std::string& group, const std::string& to, bool withFacts);
    // Names of copies. from empty: only `to`, and its peer in a group, if it has one.
    Result<plan::Snapshot> ofApplications(const std::string& from, const std::string& to, bool withFacts);
    // Adds facts to a snapshot whose applications are set; for definitions that are not stored yet.
    void addFacts(plan::Snapshot& snapshot);
    Result<void> addDocuments(plan::Snapshot& snapshot) const;

    void setDnsServing(bool serving) { dnsServing_ = serving; }
    void setPublications(const Publications* publications) { publications_ = publications; }
    void setSecondaries(const SecondaryViews* secondaries) { secondaries_ = secondaries; }

    static constexpr int64_t answerMs = 4000;  // a readiness check ends in under 5 s

  private:
    struct Question {
        std::string id, server, verb;
        Json args;
        std::function<void(plan::Snapshot&, const Json& result)> put;
        std::function<void(plan::Snapshot&, const Error& error)> putError;
    };
    std::vector<Question> questionsFor(const plan::Snapshot& snapshot) const;
    void onMessage(const std::string& server, const link::Message& message);
    void addTelemetry(plan::Snapshot& snapshot, const Application& application) const;
    void addInside(plan::Snapshot& snapshot, const Application& application) const;

    const store::Store& store_;
    Fleet& fleet_;
    const Clock& clock_;
    bool dnsServing_ = false;
    const Publications* publications_ = nullptr;
    const SecondaryViews* secondaries_ = nullptr;
    std::mutex mutex_;
    std::condition_variable answered_;
    std::map<std::string, std::optional<link::Outcome>> waiting_;  // by question id
};

}  // namespace swb::dispatch
