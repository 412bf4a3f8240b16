// The agent's memory of commands: what makes a command happen at most once, and a killed agent able to say what became
// of it.
//
//   start() ── flushed ──► act ──► remember() ──► outcome is sent ──► flush()
//
// `started` is on disk before anything is done; that alone is what correctness rests on. The outcome may be sent before
// it is flushed: if the machine dies in between, the entry is unfinished at the next start and is settled by looking at
// reality, which the act has already changed; settling never acts, so what was sent stays true. A controller takes the
// first outcome it hears. This keeps the second flush out of a switch's outage.
//
// One append-only file of lines, rewritten when it has grown to twice what it must hold. Only the last line can be
// torn. Thread-safe. Commands that only read are remembered, not written.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "link/message.h"

namespace swb::agent {

struct LedgerEntry {
    link::Command command;  // args without secrets
    UnixMs startedAt = 0;
    std::optional<link::Outcome> outcome;
    bool durable = false;  // started was written; false: a command that only reads
};

class Ledger {
  public:
    static Result<std::unique_ptr<Ledger>> open(const std::string& path, size_t entriesMax = limits::ledgerEntries);

    // On disk when it returns. The epoch of the command's group is raised with it.
    Result<void> start(const link::Command& command, UnixMs at);
    // For verbs that only read: remembered until the agent ends.
    void startReading(const link::Command& command, UnixMs at);
    // find() answers it from now on. The command was started.
    void remember(const link::Outcome& outcome);
    // Writes what was remembered; nothing for a command that only reads.
    Result<void> flush(const std::string& id);

    std::optional<LedgerEntry> find(const std::string& id) const;
    // Started durably, no outcome; oldest first.
    std::vector<LedgerEntry> unfinished() const;
    size_t size() const;

    // Newest epoch seen of each group.
    std::map<std::string, int64_t> epochs() const;
    // EpochOld when a newer one was seen; a newer one is on disk when it returns.
    Result<void> checkEpoch(const std::string& group, int64_t epoch);

  private:
    Ledger(std::string path, size_t entriesMax) : path_(std::move(path)), entriesMax_(entriesMax) {}
    Result<void> load();
    bool loadLine(std::string_view line);
    Result<void> append(std::string line);
    Result<void> reopen();
    Result<void> compact();
    void insert(LedgerEntry entry);
    void forgetOldest();
    void raise(const std::string& group, int64_t epoch);

    const std::string path_;
    const size_t entriesMax_;
    mutable std::mutex mutex_;
    Fd file_;
    size_t lines_ = 0;
    size_t bytes_ = 0;
    bool torn_ = false;  // a write failed half-way: the next one must begin on a line of its own
    std::map<std::string, LedgerEntry> entries_;
    std::deque<std::string> order_;  // ids, oldest first
    std::map<std::string, int64_t> epochs_;
};

}  // namespace swb::agent
