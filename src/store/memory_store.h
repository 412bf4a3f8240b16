// The store without a file: for tests, the simulator and everything else that may forget.
#pragma once

#include "store/cached_store.h"

namespace swb::store {

class MemoryStore final : public CachedStore {
  public:
    // The clock must outlive the store.
    explicit MemoryStore(const Clock& clock);
    ~MemoryStore() override;

  private:
    Result<void> persist(const Change&) override { return {}; }
    Result<std::string> persistForgotten(int64_t upTo) override;
};

}  // namespace swb::store
