// What the secondaries have, for people (the API) and for readiness.
//
//     Notifier.states() ─▶ SecondaryViews ─▶ `swing zone show`, `swing group check`
//
// Only looks at what the notifier knows already: asks nobody, waits for nothing.
#pragma once

#include <functional>

#include "dispatch/publisher.h"
#include "dns/transfer/notifier.h"
#include "plan/secondary_view.h"

namespace swb::dispatch {

class SecondaryViews {
  public:
    using States = std::function<std::vector<dns::transfer::SecondaryState>()>;

    // Publisher and clock outlive the views, and so does whatever the states come from.
    SecondaryViews(const Publisher& publisher, States states, const Clock& clock)
        : publisher_(publisher), states_(std::move(states)), clock_(clock) {}

    std::vector<plan::SecondaryView> ofZone(dns::NameView origin) const;
    // Of the zone that this name is in; none when it is in none of ours.
    std::vector<plan::SecondaryView> ofAddress(const std::string& address) const;

  private:
    const Publisher& publisher_;
    const States states_;
    const Clock& clock_;
};

}  // namespace swb::dispatch
