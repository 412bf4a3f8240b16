#include "store/memory_store.h"

#include <limits>

namespace swb::store {

MemoryStore::MemoryStore(const Clock& clock) : CachedStore(clock, std::numeric_limits<size_t>::max()) {}
MemoryStore::~MemoryStore() = default;

}  // namespace swb::store
