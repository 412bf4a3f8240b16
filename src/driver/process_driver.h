// Starts, stops, restarts and reloads the application's processes with their environment. Processes outlive the agent
// (own session, pid and start time kept in a file) and are adopted by the next one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "driver/database_driver.h"

namespace swb::driver {

struct ProcessState {
    std::string name;
    int pid = 0;  // 0: not running
    bool running = false;
    bool healthy = false;
    std::string user;             // operating-system user that it runs as, or would
    std::string environmentHash;  // of the environment it was started or last reloaded with
    std::string error;
};

class ProcessDriver {
  public:
    // Kept under context.stateDirectory: <application>/<process>.json and .log; environment file of the application.
    virtual ~ProcessDriver() = default;

    // Writes the environment file atomically (KEY=value lines, systemd EnvironmentFile syntax, mode 0600); answers its
    // path.
    virtual Result<std::string> writeEnvironment(std::string_view application,
                                                 const std::map<std::string, std::string>& environment,
                                                 const Context& context) = 0;
    // Starts it if it is down; if its environment changed: restart, SIGHUP or nothing, as on_change says.
    virtual Result<ProcessState> apply(std::string_view application, const ProcessSpec& spec,
                                       const std::map<std::string, std::string>& environment,
                                       const Context& context) = 0;
    virtual Result<ProcessState> restart(std::string_view application, const ProcessSpec& spec,
                                         const std::map<std::string, std::string>& environment,
                                         const Context& context) = 0;
    virtual Result<ProcessState> stop(std::string_view application, const ProcessSpec& spec,
                                      const Context& context) = 0;
    virtual ProcessState inspect(std::string_view application, const ProcessSpec& spec, const Context& context) = 0;
    // Waits until the health URL answers 2xx (or, without one, the process has stayed up for 200 ms). What it waits for
    // is said as progress: the process, its URL, the last answer and since when; the error says the same.
    virtual Result<ProcessState> awaitHealthy(std::string_view application, const ProcessSpec& spec,
                                              const Context& context) = 0;
};

std::unique_ptr<ProcessDriver> makeProcessDriver();

}  // namespace swb::driver
