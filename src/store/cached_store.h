// What all backends share: the state in memory that answers every read, one commit at a time, and the watchers.
//
//     commit: [committing_ held]  prepare ─▶ persist (backend; the only slow part) ─▶ [state_ held] apply   then notify
//     read:                                                                           [state_ held, shared]
//
// Readers never wait for a disk: while a commit is being written they see the state before it.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "store/state.h"

namespace swb::store {

class CachedStore : public Store {
  public:
    ~CachedStore() override;

    Result<std::optional<Document>> get(std::string_view kind, std::string_view id) const final;
    Result<std::vector<Document>> list(std::string_view kind) const final;
    Result<std::vector<std::string>> ids(std::string_view kind) const final;
    Result<Committed> commit(const Commit& commit) final;
    Result<std::vector<Event>> events(const EventQuery& query) const final;
    int64_t latestSequence() const final;
    int64_t oldestSequence() const final;
    Result<void> forgetEvents(int64_t upTo) final;
    int64_t revision() const final;
    Result<ChainReport> verifyChain() const override;
    [[nodiscard]] Subscription subscribe(Watcher watcher) final;

  protected:
    CachedStore(const Clock& clock, size_t eventsKept);

    // Makes the change durable, whole or not at all. Called with `committing_` held.
    virtual Result<void> persist(const Change& change) = 0;
    // Makes durable that the log begins after this event, which is kept now; answers its hash. Called with
    // `committing_` held.
    virtual Result<std::string> persistForgotten(int64_t upTo) = 0;
    // Events that the state no longer keeps. Called without locks.
    virtual Result<std::vector<Event>> readEvents(const EventQuery& query) const;

    mutable std::mutex committing_;
    State state_;  // written with both mutexes held; read with either

  private:
    struct Slot;
    struct Slots;
    void notify(const Committed& committed);

    const Clock& clock_;
    mutable std::shared_mutex reading_;
    std::shared_ptr<Slots> slots_;
};

}  // namespace swb::store
