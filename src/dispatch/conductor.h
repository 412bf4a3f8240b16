// Carries runs out: every input goes through the pure engine, the new state is committed, then its effects happen.
//
//     API, agents, clock ──► queue ──► run::apply ──► store.commit ──► effects ──► agents (Fleet)
//                                          ▲                             └───────► LocalVerbs (the controller's own)
//                                          └────────── outcomes ◄────────────────────────┘
//
// One thread owns all runs: inputs are taken in order, one at a time. After a restart every unfinished run gets
// Recover. Fault points: run.<step>.planned (before the commit), .committed (before sending), .sent, .acted (outcome
// here, not recorded), .recorded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <thread>

#include "dispatch/fleet.h"
#include "run/engine.h"
#include "store/store.h"

namespace swb::dispatch {

// The verbs that the controller performs itself ("controller.…"): idempotent, quick, no waiting for agents.
class LocalVerbs {
  public:
    virtual ~LocalVerbs() = default;
    virtual Result<Json> perform(std::string_view verb, const run::Run& run, const Json& args) = 0;
    // For a verb that has to wait for others: `done` is called later from another thread, at least once in the end.
    // False: it is not such a verb.
    using Done = std::function<void(Result<Json>)>;
    virtual bool performLater(std::string_view verb, const run::Run& run, const Json& args,
                              const std::string& commandId, const Done& done) {
        static_cast<void>(verb), static_cast<void>(run), static_cast<void>(args);
        static_cast<void>(commandId), static_cast<void>(done);
        return false;
    }
    // The run has turned round: what can be given up calls back with an error.
    virtual void cancel(const std::string& commandId) { static_cast<void>(commandId); }
    // Secrets of an application, put into a command's arguments when it is sent; never stored with a run.
    virtual Result<JsonObject> secretsOf(const std::string& application) = 0;
    // The computed variables of an application as they are at this moment: replicas come and go after the plan was
    // made. Null: those of the plan hold.
    virtual Json variablesOf(const run::Run& run, const std::string& application, const Fleet& fleet) {
        static_cast<void>(run), static_cast<void>(application), static_cast<void>(fleet);
        return nullptr;
    }
};

class Conductor {
  public:
    Conductor(store::Store& store, Fleet& fleet, LocalVerbs& local, const Clock& clock);
    ~Conductor();

    // Loads unfinished runs and starts the thread.
    Result<void> start();
    void stop();

    // Stores the planned run together with `extra` (the group's lock, documents it stands on) in one commit; begins it.
    Result<run::Run> begin(run::Run run, store::Commit extra);
    // pause, resume, retry, skip, abort; answers the run as it then is.
    Result<run::Run> give(const std::string& runId, run::Input input, const std::string& actor);
    // Unfinished runs from memory (with progress sentences), finished ones from the store.
    Result<run::Run> find(const std::string& runId) const;
    std::vector<run::Run> active() const;
    const run::StepCatalogue& catalogue() const { return catalogue_; }

  private:
    struct Item {
        std::string runId;
        run::Input input;
        std::string actor;
        std::shared_ptr<std::promise<Result<run::Run>>> promise;
    };

    void loop();
    void enqueue(Item item);
    void broadcast(const run::Input& input);
    Result<run::Run> process(const Item& item);
    Result<void> record(const run::Run& before, const run::Transition& transition, const std::string& actor,
                        const store::Commit& extra);
    Result<void> addRelease(const run::Run& run, store::Commit& commit) const;
    void perform(const run::Run& run, const std::vector<run::Effect>& effects);
    void performOne(const run::Run& run, const run::Effect& effect);
    void sendCommand(const run::Run& run, const std::string& commandId);
    void onMessage(const std::string& server, const link::Message& message);
    void tickDue();
    void retire(const run::Run& run);

    store::Store& store_;
    Fleet& fleet_;
    LocalVerbs& local_;
    const Clock& clock_;
    const run::StepCatalogue catalogue_;

    mutable std::mutex mutex_;  // queue_, runs_
    std::condition_variable wake_;
    std::deque<Item> queue_;
    std::map<std::string, run::Run> runs_;     // unfinished
    std::map<std::string, int64_t> versions_;  // of their documents; only the conductor's thread and begin() write
    bool stopping_ = false;
    bool started_ = false;
    std::thread thread_;
};

}  // namespace swb::dispatch
