// When certificates between sites are renewed: with a third of their life left, so that a controller or a site that is
// away for weeks does not matter. Pure.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/json.h"

namespace swb::plan {

struct CertificateAge {
    UnixMs beganAt = 0;
    UnixMs endsAt = 0;  // of the one that ends first

    int64_t lifeMs() const { return endsAt - beganAt; }
    bool isDue(UnixMs now) const { return now >= endsAt - lifeMs() / 3; }
    // Renewal should have come long ago.
    bool isLate(UnixMs now) const { return now >= endsAt - lifeMs() / 6; }
    bool isOver(UnixMs now) const { return now >= endsAt; }
    // Between two tries of a renewal that failed.
    int64_t retryMs() const;
};

// From FACTS; nothing when the server has no certificates of the controller.
std::optional<CertificateAge> certificateAge(const Json& facts);
// "61 days", "5 hours", "40 s"
std::string lengthText(int64_t milliseconds);

}  // namespace swb::plan
