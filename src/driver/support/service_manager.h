// How a service is started and stopped: by the agent itself (direct), by systemd, or by a packaged wrapper. Masking is
// what makes a fence hold: a masked service is started by nobody, not by a reboot either, until it is unmasked.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "driver/database_driver.h"

namespace swb::driver {

class ServiceManager {
  public:
    virtual ~ServiceManager() = default;
    // Asks for the start and returns once the service was launched; readiness is the caller's to see.
    virtual Result<void> start(const Context& context) = 0;
    // A clean stop, waited for.
    virtual Result<void> stop(const Context& context) = 0;
    virtual Result<void> reload(const Context& context) = 0;
    // Idempotent. mask() never stops a running service; start() of a masked one is refused with GuardRefused.
    virtual Result<void> mask(const Context& context) = 0;
    virtual Result<void> unmask(const Context& context) = 0;
    virtual bool isRunning(const Context& context) = 0;
    virtual bool isMasked(const Context& context) = 0;
};

// systemctl, found by PATH; the unit's name may come without ".service".
std::unique_ptr<ServiceManager> makeSystemdManager(std::string unit);

}  // namespace swb::driver
