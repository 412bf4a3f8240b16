// Executes commands: each at most once, fenced by epoch, within its deadline, and never without a trace.
//
//   submit ─ known id? ─► the recorded outcome, or nothing while it runs
//          ─ unknown verb, older epoch, too many ─► failed, nothing done
//          ─ otherwise ─► worker: ledger start ─► verb ─► outcome: remembered, said, flushed
//
// What it says goes through one callback, from any thread; whether anybody hears it is not its business: the outcome is
// in the ledger, and inquire() answers for ever after.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/ledger.h"
#include "agent/verb.h"
#include "agent/worker_pool.h"

namespace swb::agent {

class Executor {
  public:
    using Say = std::function<void(const link::Message&)>;
    // table: of the verbs; the real one is verbTable().
    Executor(Services& services, Ledger& ledger, std::span<const VerbRow> table, Say say);

    // Settles, in the background, what a predecessor left unfinished. Before the first submit.
    void settleUnfinished();
    void submit(link::Command command);
    link::LedgerReply inquire(const std::string& id) const;
    void cancel(const std::string& id);
    std::vector<link::UnfinishedCommand> unfinished() const;
    std::vector<std::string> verbs() const;

    // No new commands from now on; waits for those that run. False: some still run at the deadline; the next start
    // settles them.
    bool drain(MonotonicMs deadline);

  private:
    struct Running {
        std::string verb;
        std::atomic<bool> cancelled{false};
        MonotonicMs progressAt = 0;  // of the last progress that was said
    };
    using RunningHandle = std::shared_ptr<Running>;

    void execute(const link::Command& command, const VerbRow& row, MonotonicMs receivedAt,
                 const RunningHandle& running);
    void settle(const LedgerEntry& entry, const VerbRow& row, const RunningHandle& running);
    Result<void> begin(const link::Command& command, const VerbRow& row, UnixMs at);
    VerbCall callFor(const link::Command& command, MonotonicMs deadline, const RunningHandle& running);
    void finish(const link::Outcome& outcome);
    void sayProgress(const std::string& id, Running& running, int64_t done, int64_t total, std::string_view sentence);
    void refuse(const link::Command& command, const Error& error);
    const VerbRow* find(std::string_view verb) const;

    Services& services_;
    Ledger& ledger_;
    std::span<const VerbRow> table_;
    Say say_;
    mutable std::mutex mutex_;
    std::map<std::string, RunningHandle> running_;
    bool draining_ = false;
    WorkerPool pool_;  // last: its threads use the rest
};

}  // namespace swb::agent
