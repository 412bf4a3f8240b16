// Where two servers' logs of one and the same timeline part. A history file names the forks between timelines only:
// when two servers both wrote on one timeline (somebody removed standby.signal, a copy of a disk was started), nothing
// but the bytes of the log tells. pg_rewind does not look at them and would find no fork, or a later one.
//
//     own segment files, newest first ─▶ the peer's log of the same position, by replication ─▶ first byte that differs
//                                        ─▶ the record it belongs to: there they parted
//
// Reads only. As a rule one segment travels.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/postgresql/lsn.h"
#include "driver/postgresql/wal_record.h"
#include "driver/postgresql/wal_summary.h"

namespace swb::driver::postgresql {

struct Parting {
    Lsn position = 0;   // the first own record that the peer has not
    bool exact = true;  // false: the peer no longer keeps its log; where this server's own begins
};
// Compares the log of `timeline` before `until`. Nothing when this server has no record there that the peer has not.
// `sourceEnd`: how far the peer's log goes.
Result<std::optional<Parting>> partingOf(const Instance& instance, const Peer& peer, uint32_t timeline, Lsn until,
                                         Lsn sourceEnd, const Context& context);

// This server's log from a position on, record by record (pg_waldump), running or not.
Result<void> readOwnLog(const Instance& instance, uint32_t timeline, Lsn start, WalSummary& into,
                        const Context& context);

// Of a list of records (pg_waldump's lines), the one that a position falls into, or the first after it.
class RecordAt {
  public:
    RecordAt(Lsn position, const WalLayout& layout) : position_(position), layout_(layout) {}
    void take(Lsn begin, uint32_t bytes);
    // Where it begins; nothing when the log ends before the position.
    std::optional<Lsn> begin() const;

  private:
    Lsn position_;
    WalLayout layout_;
    Lsn lastEnd_ = 0;
    std::optional<Lsn> last_, beyond_;
};

}  // namespace swb::driver::postgresql
