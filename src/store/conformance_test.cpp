#include "conformance/store_conformance.h"

#include <filesystem>

#include "store/memory_store.h"
#include "store/sqlite_store.h"

namespace swb::store {
namespace {

// Removes the directory with the store.
class TemporarySqliteStore final : public Store {
  public:
    explicit TemporarySqliteStore(const Clock& clock) {
        std::filesystem::create_directory(directory_);
        store_ = SqliteStore::open(directory_ + "/store.db", clock).value();
    }
    ~TemporarySqliteStore() override {
        store_.reset();
        std::filesystem::remove_all(directory_);
    }

    Result<std::optional<Document>> get(std::string_view kind, std::string_view id) const override {
        return store_->get(kind, id);
    }
    Result<std::vector<Document>> list(std::string_view kind) const override { return store_->list(kind); }
    Result<std::vector<std::string>> ids(std::string_view kind) const override { return store_->ids(kind); }
    Result<Committed> commit(const Commit& commit) override { return store_->commit(commit); }
    Result<std::vector<Event>> events(const EventQuery& query) const override { return store_->events(query); }
    int64_t latestSequence() const override { return store_->latestSequence(); }
    int64_t oldestSequence() const override { return store_->oldestSequence(); }
    Result<void> forgetEvents(int64_t upTo) override { return store_->forgetEvents(upTo); }
    int64_t revision() const override { return store_->revision(); }
    Result<ChainReport> verifyChain() const override { return store_->verifyChain(); }
    Subscription subscribe(Watcher watcher) override { return store_->subscribe(std::move(watcher)); }

  private:
    std::string directory_ = testing::TempDir() + newId("store");
    std::unique_ptr<Store> store_;
};

const StoreFactory memory = [](const Clock& clock) { return std::make_unique<MemoryStore>(clock); };
const StoreFactory sqlite = [](const Clock& clock) { return std::make_unique<TemporarySqliteStore>(clock); };

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(memory));
INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(sqlite));

}  // namespace
}  // namespace swb::store
