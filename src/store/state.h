// What a store holds, as a value: deciding what a commit would change (prepare) is separate from changing (apply), so
// that a backend can put the disk between the two. No locks, no I/O.
#pragma once

#include <deque>
#include <map>

#include "store/store.h"

namespace swb::store {

// The text of a JSON value and the value that this text reads back as: every backend shows readers the latter, before
// and after a restart.
struct Normalised {
    std::string text;
    Json value;
};
Result<Normalised> normalise(const Json& value, std::string_view what);

// What the hash of an event covers besides the previous hash: one line of JSON with fixed keys.
std::string canonicalText(const Event& event, std::string_view detailText);
std::string chainHash(std::string_view previousHash, std::string_view canonical);

// One prepared commit: what a backend writes, and what the state becomes.
struct Change {
    struct Written {
        Document document;
        std::string text;  // of the body
    };
    struct Logged {
        Event event;
        std::string detailText;
    };
    int64_t revision = 0;
    int64_t latestSequence = 0;
    std::string headHash;
    std::vector<Written> written;
    std::vector<Changed> removed;  // only objects that were there
    std::vector<Logged> logged;
    std::vector<Changed> changes;

    bool empty() const { return written.empty() && removed.empty() && logged.empty(); }
};

// Where the kept log begins: behind this event. Sequence 0: behind nothing.
struct Anchor {
    int64_t sequence = 0;
    std::string hash;
};

class State {
  public:
    // Events kept for reading; older ones are the backend's affair.
    explicit State(size_t eventsKept) : eventsKept_(eventsKept) {}

    std::optional<Document> get(std::string_view kind, std::string_view id) const;
    std::vector<Document> list(std::string_view kind) const;
    std::vector<std::string> ids(std::string_view kind) const;
    int64_t revision() const { return revision_; }
    int64_t latestSequence() const { return latestSequence_; }
    const std::string& headHash() const { return headHash_; }
    const Anchor& anchor() const { return anchor_; }

    Result<Change> prepare(const Commit& commit, UnixMs now) const;
    // Precondition: the change was prepared from this very state.
    void apply(const Change& change);

    // Whether every event after this one is still kept here.
    bool keepsAfter(int64_t sequence) const;
    std::vector<Event> eventsAfter(const EventQuery& query) const;
    const std::deque<Change::Logged>& keptEvents() const { return events_; }
    void forget(Anchor anchor);

    // For a backend filling the state at open.
    void loadDocument(Document document);
    void loadEvent(Change::Logged logged);
    void loadHead(int64_t revision, int64_t latestSequence, std::string headHash);

  private:
    // mustNotExist when there is none.
    int64_t versionOf(std::string_view kind, std::string_view id) const;
    Result<void> check(std::string_view kind, std::string_view id, int64_t expectedVersion) const;
    Result<void> prepareEvents(const Commit& commit, UnixMs now, Change& change) const;

    size_t eventsKept_;
    std::map<std::string, std::map<std::string, Document, std::less<>>, std::less<>> documents_;
    std::deque<Change::Logged> events_;
    int64_t revision_ = 0;
    int64_t latestSequence_ = 0;
    std::string headHash_;
    Anchor anchor_;
};

bool matches(const Event& event, const EventQuery& query);

// Walks a chain event by event.
class ChainVerifier {
  public:
    explicit ChainVerifier(const Anchor& anchor);
    // False from the first broken event on.
    bool add(const Event& event, std::string_view detailText);
    // The whole chain was added: does it end where the store says it does?
    ChainReport finish(int64_t latestSequence, std::string_view headHash);

  private:
    void broken(int64_t sequence, std::string problem);
    ChainReport report_;
};

}  // namespace swb::store
