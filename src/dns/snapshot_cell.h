// The place where threads find the current zones: readers never wait, publishers do.
//
// Each reading thread owns a Reader. While it works on a batch it announces the snapshot it uses in the reader's slot
// (a hazard pointer); publish() swaps the current pointer, then waits until no slot holds the old one. So a snapshot
// is freed only when nobody reads it, and once publish() has returned nothing computed from the old zones leaves any
// more: what a switch must know before it calls the address switched.
#pragma once

#include <array>
#include <atomic>
#include <mutex>

#include "dns/zone_set.h"

namespace swb::dns {

class SnapshotCell {
  public:
    static constexpr size_t readersMax = 64;  // threads; each has one slot for its whole life

    explicit SnapshotCell(ZoneSetPointer zones) : owner_(std::move(zones)), current_(owner_.get()) {}
    SnapshotCell(const SnapshotCell&) = delete;
    SnapshotCell& operator=(const SnapshotCell&) = delete;

    class Reader;

    // Waits for readers in the middle of a batch: microseconds, unless the machine is overloaded.
    void publish(ZoneSetPointer zones);
    ZoneSetPointer current() const;

  private:
    struct alignas(64) Slot {
        std::atomic<const ZoneSet*> inUse{nullptr};
    };

    size_t takeSlot();

    mutable std::mutex mutex_;  // publishers among themselves; no reader takes it after its construction
    ZoneSetPointer owner_;
    std::atomic<const ZoneSet*> current_;
    std::array<Slot, readersMax> slots_;
    size_t slotsTaken_ = 0;
};

// One per reading thread, made before the thread starts and used by it alone.
class SnapshotCell::Reader {
  public:
    explicit Reader(SnapshotCell& cell) : cell_(cell), slot_(cell.slots_[cell.takeSlot()]) {}

    // The zones stay valid, and publish() waits, until the guard is gone. One guard at a time.
    class Guard {
      public:
        explicit Guard(Reader& reader) : slot_(reader.slot_) {
            // A publisher that swaps between the load and the store is seen by the second load.
            do {
                zones_ = reader.cell_.current_.load(std::memory_order_acquire);
                slot_.inUse.store(zones_, std::memory_order_seq_cst);
            } while (zones_ != reader.cell_.current_.load(std::memory_order_seq_cst));
        }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { slot_.inUse.store(nullptr, std::memory_order_release); }
        const ZoneSet& zones() const { return *zones_; }

      private:
        Slot& slot_;
        const ZoneSet* zones_;
    };

  private:
    SnapshotCell& cell_;
    Slot& slot_;
};

}  // namespace swb::dns
