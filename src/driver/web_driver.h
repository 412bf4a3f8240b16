// One interface for every web front. Maintenance is a flag that the front looks at for each request: a run never
// reloads it.
#pragma once

#include <memory>
#include <string>

#include "driver/database_driver.h"

namespace swb::driver {

enum class MaintenanceMode { off, page };

struct FrontProbe {
    std::string address;       // what was asked: address:port
    int status = 0;            // HTTP status; 0: no answer
    bool maintenance = false;  // the answer carried the maintenance header
    double milliseconds = 0;
    std::string error;
    bool passedOn = false;  // no answer yet, but it is the application's to give: the front has let the request through
};

// What became of the requests that had been passed on when maintenance began.
struct Drained {
    enum class State {
        unknown,  // the front cannot tell
        idle,     // all are answered
        busy      // some are still in flight
    };
    State state = State::unknown;
    int64_t milliseconds = 0;  // waited
};

class WebDriver {
  public:
    virtual ~WebDriver() = default;

    // Writes the site's configuration, tests it with the front's own test, reloads only if something changed.
    // A front that had no state yet begins in `initial`; otherwise the state stays as it is.
    virtual Result<Json> prepare(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance,
                                 MaintenanceMode initial, const Context& context) = 0;
    virtual Result<FrontProbe> setMaintenance(std::string_view application, const WebSpec& web, MaintenanceMode mode,
                                              const Context& context) = 0;
    virtual MaintenanceMode maintenance(std::string_view application, const WebSpec& web, const Context& context) = 0;
    virtual FrontProbe probe(std::string_view application, const WebSpec& web, const Context& context) = 0;
    // In maintenance: waits until no request is in flight, no longer than limitMs. Connections that were upgraded
    // (WebSockets) do not count: they have no end to wait for.
    virtual Drained drain(std::string_view application, const WebSpec& web, int64_t limitMs,
                          const Context& context) = 0;
    virtual Result<Json> remove(std::string_view application, const WebSpec& web, const Context& context) = 0;
    // direct: starts the front if it is down.
    virtual Result<Json> ensureRunning(const WebSpec& web, const Context& context) = 0;
    virtual Result<void> stop(const WebSpec& web, const Context& context) = 0;
};

Result<std::unique_ptr<WebDriver>> makeWebDriver(Front front);

}  // namespace swb::driver
