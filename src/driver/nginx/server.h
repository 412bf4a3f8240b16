// One running nginx: test of its configuration, start, reload, stop. `direct`: the agent starts it, it daemonises and
// outlives the agent; the next agent finds it by its pid file and command line. `systemd`: the unit is the machine's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "driver/nginx/layout.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"

namespace swb::driver::nginx {

// What nginx's own test says of a configuration that it accepts.
struct Tested {
    std::string dump;  // the configuration as nginx sees it, every included file with its name
    std::string warnings;
};

class Server {
  public:
    explicit Server(Layout layout);

    // direct: makes the directories and, when there is none, the main configuration.
    Result<void> prepareFiles() const;
    Result<Tested> testConfiguration(const Context& context) const;
    bool isRunning(const Context& context) const;
    // Nothing to do when it runs. Answers whether it was started.
    Result<bool> start(const Context& context) const;
    // Sends the signal: when the new configuration is in force is for the caller to see.
    Result<void> reload(const Context& context) const;
    Result<void> stop(const Context& context) const;

    // direct: the master process, when it runs.
    std::optional<ProcessIdentity> master() const;

  private:
    // A master that was killed leaves workers that go on serving and keep the ports.
    Result<void> endOrphans(const Context& context) const;
    Result<std::string> workerUser() const;

    Layout layout_;
    std::unique_ptr<ServiceManager> systemd_;
};

// Whether the workers named by the configuration can look at the files of the directory. They could not see a flag
// otherwise, and would go on serving.
Result<void> checkReadable(const std::string& configurationDump, const std::string& directory);
// Whether nginx read the file, by the dump.
bool includes(const std::string& configurationDump, const std::string& file);

}  // namespace swb::driver::nginx
