#include "dns/snapshot_cell.h"

#include <chrono>
#include <thread>

#include "base/assert.h"

namespace swb::dns {

void SnapshotCell::publish(ZoneSetPointer zones) {
    SWB_ASSERT(zones != nullptr, "there is always a zone to answer from");
    const std::lock_guard lock(mutex_);
    if (zones == owner_) return;
    current_.store(zones.get(), std::memory_order_seq_cst);
    const ZoneSetPointer old = std::exchange(owner_, std::move(zones));
    for (const Slot& slot : slots_)
        while (slot.inUse.load(std::memory_order_seq_cst) == old.get())
            std::this_thread::sleep_for(std::chrono::microseconds(10));
}

ZoneSetPointer SnapshotCell::current() const {
    const std::lock_guard lock(mutex_);
    return owner_;
}

size_t SnapshotCell::takeSlot() {
    const std::lock_guard lock(mutex_);
    SWB_ASSERT(slotsTaken_ < readersMax, "each reading thread has a slot");
    return slotsTaken_++;
}

}  // namespace swb::dns
