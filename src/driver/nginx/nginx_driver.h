// The web front driver for nginx. A site is configured once, by `prepare`; a switch creates and removes one file per
// application, which nginx's workers look for at each request: no reload, no connection cut.
//
// Called by the agent's web and maintenance verbs. It writes nothing but its own site files, flags and pages (and, for
// `direct`, a main configuration where there is none), and never leaves a configuration behind that nginx refused.
#pragma once

#include "driver/web_driver.h"

namespace swb::driver {

class NginxDriver final : public WebDriver {
  public:
    Result<Json> prepare(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance,
                         MaintenanceMode initial, const Context& context) override;
    // The answer's milliseconds count from the call to the confirmation. When the state cannot be confirmed, the flag
    // is put back to what it was and the call fails.
    Result<FrontProbe> setMaintenance(std::string_view application, const WebSpec& web, MaintenanceMode mode,
                                      const Context& context) override;
    MaintenanceMode maintenance(std::string_view application, const WebSpec& web, const Context& context) override;
    FrontProbe probe(std::string_view application, const WebSpec& web, const Context& context) override;
    Drained drain(std::string_view application, const WebSpec& web, int64_t limitMs, const Context& context) override;
    Result<Json> remove(std::string_view application, const WebSpec& web, const Context& context) override;
    Result<Json> ensureRunning(const WebSpec& web, const Context& context) override;
    Result<void> stop(const WebSpec& web, const Context& context) override;
};

}  // namespace swb::driver
