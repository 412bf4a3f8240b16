// What a stretch of log did, from pg_waldump's lines: commits, and which relations were changed. Aborted transactions'
// changes are counted with the others: the log does not say in advance how a transaction will end.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "driver/postgresql/lsn.h"

namespace swb::driver::postgresql {

class WalSummary {
  public:
    // Is told of every record: where it begins, and its length without page headers.
    using OnRecord = std::function<void(Lsn begin, uint32_t bytes)>;
    explicit WalSummary(OnRecord onRecord = [](Lsn, uint32_t) {}) : onRecord_(std::move(onRecord)) {}

    // Pieces of output in any size; whole lines are judged.
    void take(std::string_view piece);

    int64_t commits() const { return commits_; }
    int64_t records() const { return records_; }
    Lsn last() const { return last_; }  // where the last record begins
    const std::string& firstCommit() const { return firstCommit_; }
    const std::string& lastCommit() const { return lastCommit_; }

    // Rows inserted, updated or deleted (records of the heap), by database and file number.
    using Relation = std::pair<uint32_t, uint32_t>;
    const std::map<Relation, int64_t>& changes() const { return changes_; }

  private:
    void takeLine(std::string_view line);
    void takeCommit(std::string_view description);
    void takeChange(std::string_view description);

    OnRecord onRecord_;
    std::string line_;
    int64_t commits_ = 0, records_ = 0;
    Lsn last_ = 0;
    std::string firstCommit_, lastCommit_;
    std::map<Relation, int64_t> changes_;
};

}  // namespace swb::driver::postgresql
