// A secondary name server of the zone that a group's address is in, as it was seen last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace swb::plan {

// ahead: it has a newer serial than the controller, so it takes none of the controller's changes.
enum class SecondaryStanding { inSync, behind, ahead, silent };

struct SecondaryView {
    std::string address;  // "198.51.100.7:53"
    std::string zone;
    SecondaryStanding standing = SecondaryStanding::behind;
    std::optional<uint32_t> serial;  // what it answered last; nothing: it has not, or without the zone
    uint32_t newest = 0;             // the zone's serial here
    int64_t newestForMs = 0;         // how long the zone has had it
    UnixMs lastContactAt = 0;        // 0: never
    std::string lastError;           // what it said last, when that was no
};

// "in sync", "behind", "ahead", "silent"
std::string_view nameOf(SecondaryStanding standing);

}  // namespace swb::plan
