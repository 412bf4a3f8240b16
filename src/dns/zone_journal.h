// The last zone that was answered, on disk before it was answered (I11): a zone file, and a journal of what changed
// since.
//
//     append(change) ──one fdatasync──▶ journal ──foldIfGrown──▶ zone file + what IXFR may still ask for
//     open() ──▶ zone file, replayed journal ──▶ zone()          changesSince(serial) ──▶ IXFR
//
// After a restart with the store gone or broken, this is what the name server goes on with. The order is: append, then
// answer; a crash between the two leaves a journal that is newer than the last answer, never older.
//
// What it must never do: acknowledge what is not on disk; refuse to start because of damage (that would take the
// address away from everyone). An entry torn by a crash was never acknowledged and is dropped. Anything else that
// cannot be read is moved aside to *.damaged and logged, and what can be read goes on being answered.
// One object per directory and process; safe to use from several threads.
#pragma once

#include <deque>
#include <mutex>

#include "base/fd.h"
#include "dns/serial_floor.h"
#include "dns/zone.h"

namespace swb::dns {

constexpr size_t zoneFileBytesMax = size_t{1} << 30;  // 100,000 groups take about 20 MiB unsigned
constexpr size_t zoneHistoryBytesMax = 4 << 20;       // of changes kept for IXFR: some ten thousand switches

class ZoneJournal {
  public:
    // Makes the directory when it is not there.
    static Result<std::unique_ptr<ZoneJournal>> open(std::string directory, const Name& origin);

    // The newest zone on disk; null when there is none.
    ZonePointer zone() const;
    // There is one when changes that had been acknowledged could not be read, now or before a restart: the zone's next
    // serial must not be older, so that it is newer than any that may have been lost. It goes when the zone is there.
    std::optional<uint32_t> serialFloor() const;

    // Durable when it returns. Precondition: next = zone()->with(change). After an error nothing has changed, and the
    // zone that was answered goes on being the right one.
    Result<void> append(std::shared_ptr<const ZoneChange> change, ZonePointer next);
    // A zone that does not come from the one before by a known change: the first one, or a whole transfer. Refused
    // when checkSuccessor refuses. Durable when it returns.
    Result<void> replace(ZonePointer next);
    // Writes the zone file anew when the journal has grown. To be called when nobody waits.
    Result<void> foldIfGrown();

    // The changes that lead from this serial to zone(), oldest first; none when it is zone()'s own. Nothing when the
    // history does not reach back so far.
    std::optional<std::vector<std::shared_ptr<const ZoneChange>>> changesSince(uint32_t serial) const;

  private:
    struct Entry {
        std::shared_ptr<const ZoneChange> change;
        size_t bytes = 0;  // of its frame
    };

    ZoneJournal(std::string directory, Name origin);
    Result<void> readZoneFile();
    Result<void> readJournal();
    Result<void> replay(const std::vector<Entry>& entries);
    void remember(Entry entry);
    Result<void> openJournal();
    Result<void> writeFrame(std::string_view frame);
    Result<void> fold();
    Result<void> rewriteJournal();
    Result<void> writeZoneFile(const ZoneSnapshot& zone);
    Result<void> moveAside(const std::string& path, std::string_view why);

    const std::string zonePath_, journalPath_;
    const Name origin_;
    mutable std::mutex mutex_;
    ZonePointer zone_;
    std::deque<Entry> history_;  // contiguous, ends at zone_
    size_t historyBytes_ = 0;
    Fd journal_;
    size_t journalBytes_ = 0;
    size_t zoneFileBytes_ = 0;
    SerialFloor floor_;
    bool mustFold_ = false;  // the journal file cannot be trusted to continue
};

}  // namespace swb::dns
