#include "store/cached_store.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"

namespace swb::store {

// The mutex is recursive because a watcher may commit, which calls it again from within itself.
struct CachedStore::Slot {
    std::recursive_mutex calling;
    Watcher watcher;
    bool active = true;
};

// Shared with the subscriptions, which may outlive the store.
struct CachedStore::Slots {
    std::mutex mutex;
    std::vector<std::shared_ptr<Slot>> slots;
};

CachedStore::CachedStore(const Clock& clock, size_t eventsKept)
    : state_(eventsKept), clock_(clock), slots_(std::make_shared<Slots>()) {}
CachedStore::~CachedStore() = default;

Result<std::optional<Document>> CachedStore::get(std::string_view kind, std::string_view id) const {
    const std::shared_lock lock(reading_);
    return state_.get(kind, id);
}

Result<std::vector<Document>> CachedStore::list(std::string_view kind) const {
    const std::shared_lock lock(reading_);
    return state_.list(kind);
}

Result<std::vector<std::string>> CachedStore::ids(std::string_view kind) const {
    const std::shared_lock lock(reading_);
    return state_.ids(kind);
}

int64_t CachedStore::oldestSequence() const {
    const std::shared_lock lock(reading_);
    return state_.anchor().sequence + 1;
}

Result<void> CachedStore::forgetEvents(int64_t upTo) {
    const std::lock_guard lock(committing_);
    if (upTo <= state_.anchor().sequence) return {};
    if (upTo > state_.latestSequence())
        return fail(ErrorCode::InvalidInput, "there is no event " + std::to_string(upTo) + " to forget");
    std::string hash = TRY(persistForgotten(upTo));
    const std::unique_lock writing(reading_);
    state_.forget({upTo, std::move(hash)});
    return {};
}

int64_t CachedStore::latestSequence() const {
    const std::shared_lock lock(reading_);
    return state_.latestSequence();
}

int64_t CachedStore::revision() const {
    const std::shared_lock lock(reading_);
    return state_.revision();
}

Result<Committed> CachedStore::commit(const Commit& commit) {
    Committed committed;
    {
        const std::lock_guard lock(committing_);
        const Change change = TRY(state_.prepare(commit, clock_.now()));
        committed.revision = change.revision;
        if (change.empty()) return committed;
        TRY_VOID(persist(change));
        committed.changes = change.changes;
        for (const auto& logged : change.logged) committed.events.push_back(logged.event);
        const std::unique_lock writing(reading_);
        state_.apply(change);
    }
    notify(committed);
    return committed;
}

Result<std::vector<Event>> CachedStore::events(const EventQuery& query) const {
    EventQuery bounded = query;
    bounded.limit = std::min(query.limit, limits::eventPage);
    {
        const std::shared_lock lock(reading_);
        if (state_.keepsAfter(bounded.after)) return state_.eventsAfter(bounded);
    }
    return readEvents(bounded);
}

Result<std::vector<Event>> CachedStore::readEvents(const EventQuery& query) const {
    SWB_ASSERT(query.after > latestSequence(), "a backend whose state forgets events must read them itself");
    return std::vector<Event>{};
}

Result<ChainReport> CachedStore::verifyChain() const {
    const std::lock_guard lock(committing_);
    ChainVerifier verifier(state_.anchor());
    for (const auto& logged : state_.keptEvents())
        if (!verifier.add(logged.event, logged.detailText)) break;
    return verifier.finish(state_.latestSequence(), state_.headHash());
}

Subscription CachedStore::subscribe(Watcher watcher) {
    auto slot = std::make_shared<Slot>();
    slot->watcher = std::move(watcher);
    {
        const std::lock_guard lock(slots_->mutex);
        slots_->slots.push_back(slot);
    }
    return Subscription([slots = slots_, slot] {
        {
            const std::lock_guard lock(slots->mutex);
            std::erase(slots->slots, slot);
        }
        // Waits for a call that is under way.
        const std::lock_guard lock(slot->calling);
        slot->active = false;
    });
}

void CachedStore::notify(const Committed& committed) {
    std::vector<std::shared_ptr<Slot>> slots;
    {
        const std::lock_guard lock(slots_->mutex);
        slots = slots_->slots;
    }
    for (const auto& slot : slots) {
        const std::lock_guard lock(slot->calling);
        if (slot->active) slot->watcher(committed);
    }
}

}  // namespace swb::store
