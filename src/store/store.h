// The document store: what the controller knows, and the log of what happened to it.
//
//     commit(require + put + remove + events) ──▶ all or nothing ──▶ durable ──▶ readers see it ──▶ watchers are told
//
// Two things live here: documents (kind + id → JSON, with a version) and one append-only, hash-chained event log.
// Both change only together, by commit(). The interface offers nothing that etcd lacks (documents with a modification
// revision, compare-and-set over several of them, watch), so that it can stand on etcd later.
//
// Who calls in: the run engine, the API, the DNS publisher. What goes out: nothing but the backend's own file.
// It must never: acknowledge a commit that is not on the disk, show a reader half a commit or one that may still fail,
// call a watcher with a lock held, or know what a document means.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace swb::store {

constexpr int64_t anyVersion = -1;   // write whatever is there
constexpr int64_t mustNotExist = 0;  // create

// A document's version is the revision of the commit that last wrote it (etcd's mod_revision). It grows with every
// write but not by one; an object that was removed and created again never has an old version a second time.
struct Document {
    std::string kind;
    std::string id;
    int64_t version = 0;
    Json body;

    bool operator==(const Document&) const = default;
};

struct Put {
    std::string kind;
    std::string id;
    int64_t expectedVersion = mustNotExist;
    Json body;
};

// With anyVersion, removing what is not there is not an error.
struct Remove {
    std::string kind;
    std::string id;
    int64_t expectedVersion = anyVersion;
};

// The commit happens only if this object, which it does not write, still has this version (mustNotExist: is absent).
struct Require {
    std::string kind;
    std::string id;
    int64_t expectedVersion = mustNotExist;
};

struct NewEvent {
    std::string type;     // dotted, "run.step.done"
    std::string subject;  // what it is about, "group/shop"
    std::string actor;    // who caused it, "token/alice" or "controller"
    Json detail;
};

// hash = SHA-256, in lower-case hex, over previousHash and canonicalText(); the first event's previousHash is empty.
struct Event {
    int64_t sequence = 0;  // 1, 2, 3, … without gaps, in the order of commits
    UnixMs at = 0;
    std::string type;
    std::string subject;
    std::string actor;
    Json detail;
    std::string previousHash;
    std::string hash;

    bool operator==(const Event&) const = default;
};

// Initialisers throughout, so that a caller can name the members it means: {.puts = …, .events = …}.
struct Commit {
    std::vector<Put> puts = {};
    std::vector<Remove> removes = {};
    std::vector<NewEvent> events = {};
    std::vector<Require> requirements = {};
};

struct Changed {
    std::string kind;
    std::string id;
    int64_t version = 0;  // 0: removed
};

struct Committed {
    int64_t revision = 0;          // of the store after this commit
    std::vector<Changed> changes;  // puts, then removes, in the order of the commit
    std::vector<Event> events;

    // The new version of a document that this commit put; 0 when it did not.
    int64_t versionOf(std::string_view kind, std::string_view id) const;
    bool touches(std::string_view kind) const;
};

struct EventQuery {
    int64_t after = 0;            // events with a greater sequence
    size_t limit = 500;           // at most limits::eventPage
    std::string typePrefix = {};  // empty: every type
    std::string subject = {};     // empty: every subject
};

struct ChainReport {
    int64_t forgotten = 0;    // the chain begins after this event; 0: at the first
    int64_t checked = 0;      // events after it that were found good
    std::string head;         // hash of the last event; note it elsewhere to notice a log rewritten as a whole
    int64_t firstBroken = 0;  // sequence of the first event that is missing, altered or out of place; 0: none
    std::string problem;      // a sentence about it
    bool intact() const { return firstBroken == 0; }
};

// Ends the subscription when destroyed: once the destructor returns, the watcher neither runs nor will run (unless the
// destructor was called by the watcher itself). Do not destroy it holding a lock that the watcher takes.
class Subscription {
  public:
    Subscription() = default;
    explicit Subscription(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
    Subscription(Subscription&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
    Subscription& operator=(Subscription&& other) noexcept {
        if (this != &other) {
            reset();
            cancel_ = std::exchange(other.cancel_, nullptr);
        }
        return *this;
    }
    ~Subscription() { reset(); }
    void reset() {
        if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
    }

  private:
    std::function<void()> cancel_;
};

// Called after a commit from the thread that committed, without any of the store's locks; may read and commit.
// Calls to one watcher never overlap, but those of two concurrent commits may arrive in either order: take a call as
// a wake-up and read the store or events(after), or compare revisions. A watcher must not throw and should be quick.
using Watcher = std::function<void(const Committed&)>;

// Every member may be called from any thread.
class Store {
  public:
    virtual ~Store() = default;

    virtual Result<std::optional<Document>> get(std::string_view kind, std::string_view id) const = 0;
    // Ordered by id (bytewise).
    virtual Result<std::vector<Document>> list(std::string_view kind) const = 0;
    // The same without the bodies, which may be large.
    virtual Result<std::vector<std::string>> ids(std::string_view kind) const = 0;

    // All or nothing. Errors: Conflict (the message names the object), InvalidInput and TooLarge (the commit itself is
    // wrong), StorageFailed (nothing changed; later commits may succeed). An empty commit changes nothing.
    virtual Result<Committed> commit(const Commit& commit) = 0;

    // Ordered by sequence.
    virtual Result<std::vector<Event>> events(const EventQuery& query) const = 0;
    virtual int64_t latestSequence() const = 0;
    // Of the oldest event that is still kept; latestSequence() + 1 when none is.
    virtual int64_t oldestSequence() const = 0;
    // Forgets the events up to this sequence for good. The hash of the last of them stays as the chain's anchor, so
    // that what is left can be verified. What is forgotten already is no error; InvalidInput beyond the newest event.
    virtual Result<void> forgetEvents(int64_t upTo) = 0;
    virtual int64_t revision() const = 0;
    virtual Result<ChainReport> verifyChain() const = 0;

    [[nodiscard]] virtual Subscription subscribe(Watcher watcher) = 0;
};

// The document, or NotFound: "there is no group shop".
Result<Document> getOrFail(const Store& store, std::string_view kind, std::string_view id);

// Calls `build` (which reads what it needs and returns the commit) and commits; after a Conflict it does so again.
// Every conflict means that another commit went through, so some caller always makes progress.
Result<Committed> commitWithRetry(Store& store, const std::function<Result<Commit>()>& build, int attempts = 64);

}  // namespace swb::store
