// The store in one SQLite file, owned by one process through one connection.
//
// locking_mode=EXCLUSIVE: a second process is refused at open. WAL with synchronous=FULL: a commit is one append to
// the log and one fsync. The file's schema carries a version; a newer one, or a damaged file, is refused untouched.
#pragma once

#include "store/cached_store.h"

namespace swb::store {

class SqliteStore final : public CachedStore {
  public:
    // Opens or creates the file (mode 0600). The clock must outlive the store.
    // Errors: InUse (another process holds it), Unsupported (a newer schema), StorageFailed (damaged, disk, rights).
    static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, const Clock& clock);
    ~SqliteStore() override;

    // A consistent copy while the store goes on; the target must not exist.
    Result<void> backup(const std::string& path) const;
    // Reads the whole log from the file.
    Result<ChainReport> verifyChain() const override;

  private:
    class Database;
    SqliteStore(std::unique_ptr<Database> database, const Clock& clock);
    Result<void> persist(const Change& change) override;
    Result<std::string> persistForgotten(int64_t upTo) override;
    Result<std::vector<Event>> readEvents(const EventQuery& query) const override;

    std::unique_ptr<Database> database_;
};

}  // namespace swb::store
