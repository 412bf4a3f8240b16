#include "store/memory_store.h"

#include <limits>

namespace swb::store {

MemoryStore::MemoryStore(const Clock& clock) : CachedStore(clock, std::numeric_limits<size_t>::max()) {}
MemoryStore::~MemoryStore() = default;

Result<std::string> MemoryStore::persistForgotten(int64_t upTo) {
    const auto& events = state_.keptEvents();
    return events.at(static_cast<size_t>(upTo - state_.anchor().sequence - 1)).event.hash;
}

}  // namespace swb::store
