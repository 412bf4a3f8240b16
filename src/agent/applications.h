// What this server keeps of the applications that run on it: its part of each definition, and the state that decides
// which processes run. With it an agent does its work after a reboot without a controller.
//
//   NAME.json      definition, variables, writers, failover status          NAME.secrets   values of secrets, 0600
//
// Thread-safe: readers get copies. Changes are on disk when they return.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/boot_guard.h"
#include "base/secret.h"
#include "model/application.h"

namespace swb::agent {

struct LocalApplication {
    std::string name;
    std::map<std::string, ProcessSpec> processes;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> variables;  // computed by the controller
    std::map<std::string, Secret> secrets;
    std::vector<WebSpec> web;
    std::map<std::string, DatabaseSpec> databases;
    MaintenanceSpec maintenance;
    std::string failoverStatus;  // "online", "offline", or empty: in no group
    int64_t epoch = 0;           // of the controller's knowledge when it configured this; for people
    std::string role;
    bool supervised = false;  // processes were applied once: from then on they are kept running
    bool writers = false;     // `writes: true` processes run too

    // definition < variables < secrets, and FAILOVER_STATUS.
    std::map<std::string, std::string> commonEnvironment() const;
    // The same with the process's own between definition and variables.
    std::map<std::string, std::string> environmentOf(const ProcessSpec& process) const;
    bool shouldRun(const ProcessSpec& process) const { return supervised && (!process.writes || writers); }
};

class Applications {
  public:
    explicit Applications(std::string directory) : directory_(std::move(directory)) {}

    // Reads what was kept. A file that cannot be read is reported and left out: the others must still come up.
    Result<void> load();
    // application.configure: replaces the definition, keeps supervised and writers. Answers the application.
    Result<LocalApplication> configure(const Json& arguments);
    Result<void> remove(const std::string& name);

    struct State {
        std::optional<bool> supervised, writers;
        std::optional<std::string> failoverStatus;
        std::optional<std::map<std::string, std::string>> variables;
    };
    // Changes only the members that are set. NotFound when it was never configured.
    Result<LocalApplication> change(const std::string& name, const State& state);

    Result<LocalApplication> get(const std::string& name) const;
    std::vector<LocalApplication> all() const;

    // Whose database this is: verbs carry databases without their application. Of an unknown one: a key made from where
    // its data is, so that it is the same each time.
    DatabaseKey keyOf(const DatabaseSpec& spec) const;

  private:
    struct Kept {
        LocalApplication application;
        Json document;  // as on disk
    };
    std::string path(const std::string& name) const { return directory_ + "/" + name + ".json"; }
    std::string secretsPath(const std::string& name) const { return directory_ + "/" + name + ".secrets"; }
    Result<void> loadOne(const std::string& name);
    Result<void> store(const std::string& name, Kept kept);

    std::string directory_;
    mutable std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

}  // namespace swb::agent
