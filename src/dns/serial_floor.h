// The serial that a zone's next one must not be older than, after changes were lost that somebody may have seen: a
// secondary that has a newer serial than ours would not take any change from us.
//
// It is on disk from before the damaged file is moved aside until the zone is past it: a restart in between still knows
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace swb::dns {

// For a zone without a past that is known: newer than any serial it can have had, if it changed less than once a
// second over the years.
uint32_t serialWithoutPast(const Clock& clock);

class SerialFloor {
  public:
    explicit SerialFloor(std::string path) : path_(std::move(path)) {}

    // What is on disk. A file that cannot be read means what it was written for: changes were lost.
    void load();
    // Changes were lost just now. least: what the zone's serial may have reached as far as is known; 0: nothing is.
    // A disk that does not take it is logged; it then lasts as long as the process.
    void raise(uint32_t least = 0);
    // This serial is on disk: the floor goes when it is reached.
    void reached(uint32_t serial);
    std::optional<uint32_t> get() const { return floor_; }

  private:
    const std::string path_;
    std::optional<uint32_t> floor_;
};

}  // namespace swb::dns
