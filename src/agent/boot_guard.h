// The boot guard: one small file per database that says in which role it may run, since which epoch, and whether it is
// fenced. It is a permission, never an order: "primary" does not promote anything, but a database whose guard says
// "replica" never comes up writable on this server, whoever starts the machine and whether or not a controller lives.
//
//   fence      replica, fenced   before the database is stopped
//   rejoin     replica           when it streams
//   unfence    primary           before it is started
//   take-over  primary           when every replica is at its token, before any promotion: so a guard that says
//                                "replica" proves that no promotion was asked for
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace swb::agent {

struct DatabaseKey {
    std::string application;
    std::string database;
    std::string text() const { return application + "/" + database; }
    bool operator==(const DatabaseKey&) const = default;
};

struct BootGuard {
    std::string group;
    int64_t epoch = 0;
    std::string role;  // "primary" or "replica"
    bool fenced = false;
    UnixMs at = 0;
};

Json toJson(const BootGuard& guard);
// From a verb's arguments: {group, epoch, role}.
Result<BootGuard> bootGuardFromJson(const Json& value);

class BootGuards {
  public:
    explicit BootGuards(std::string directory) : directory_(std::move(directory)) {}

    // Nothing: there is none. A guard that cannot be read is an error: the caller must not start anything.
    Result<std::optional<BootGuard>> read(const DatabaseKey& key) const;
    // On disk and read back when it returns. EpochOld when the present one is of a newer epoch of the same group.
    Result<void> write(const DatabaseKey& key, const BootGuard& guard);
    // The slow part of write(): the new guard is on disk beside the present one, which stands until commit(). What is
    // never committed is replaced by the next.
    Result<void> prepare(const DatabaseKey& key, const BootGuard& guard);
    // All that were prepared with this guard, in force and read back when it returns. After an error some may be.
    Result<void> commit(const std::vector<DatabaseKey>& keys, const BootGuard& guard);
    // As write, or removal when there was none: puts back what read() had answered before an act that did not begin.
    Result<void> restore(const DatabaseKey& key, const std::optional<BootGuard>& guard);
    // For facts: null when there is none.
    Json facts(const DatabaseKey& key) const;

  private:
    std::string path(const DatabaseKey& key) const;
    Result<void> store(const DatabaseKey& key, const BootGuard& guard);
    Result<void> checkNotNewer(const DatabaseKey& key, const BootGuard& guard) const;
    Result<void> verify(const DatabaseKey& key, const BootGuard& guard) const;

    std::string directory_;
};

}  // namespace swb::agent
