// Processes as children of the agent, or as what an earlier agent left running. What is known of each is one small
// record on disk: pid with start time, machine boot, and hashes of what it was started with. Nothing else is trusted:
// a pid alone means nothing, and a process without a record does not run (launch.h).
//
// Under context.stateDirectory, for each application: environment, <process>.json, <process>.log, <process>.log.1
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "driver/process/environment_file.h"
#include "driver/process_driver.h"
#include "driver/support/process_identity.h"

namespace swb::driver {

class LocalProcessDriver final : public ProcessDriver {
  public:
    Result<std::string> writeEnvironment(std::string_view application, const Environment& environment,
                                         const Context& context) override;
    Result<ProcessState> apply(std::string_view application, const ProcessSpec& spec, const Environment& environment,
                               const Context& context) override;
    Result<ProcessState> restart(std::string_view application, const ProcessSpec& spec, const Environment& environment,
                                 const Context& context) override;
    Result<ProcessState> stop(std::string_view application, const ProcessSpec& spec, const Context& context) override;
    // One short health request when it runs; also keeps the log within its limit.
    ProcessState inspect(std::string_view application, const ProcessSpec& spec, const Context& context) override;
    Result<ProcessState> awaitHealthy(std::string_view application, const ProcessSpec& spec,
                                      const Context& context) override;

  private:
    // Verbs and the agent's supervisor may come at once; one process is started or stopped by one thread at a time.
    std::shared_ptr<std::mutex> lockFor(const std::string& record);

    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<std::mutex>> locks_;
};

}  // namespace swb::driver
