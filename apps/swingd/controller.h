// Everything of `swingd run` behind the name server: store, runs, agents, API. It comes up when the store can be read,
// and the name server answers whether it does or not (I11).
#pragma once

#include <memory>

#include "base/clock.h"
#include "config.h"
#include "daemon.h"
#include "dispatch/secondary_views.h"

namespace swb {

class Controller {
  public:
    // Publishes what the store says, serves the API, writes the ready file. The publisher and whatever the secondaries'
    // states come from outlive the controller.
    static Result<std::unique_ptr<Controller>> start(const RunRequest& request, const DaemonConfig& config,
                                                     const Clock& clock, dispatch::Publisher& publisher,
                                                     dispatch::SecondaryViews::States secondaries);
    ~Controller();  // stops, in the order that loses nothing

    // Twice a second or so.
    void tick();

  private:
    struct Parts;
    explicit Controller(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace swb
