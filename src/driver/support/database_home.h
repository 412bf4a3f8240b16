// Where one database server lives, and in whose name: what every engine's Instance begins with. Its definition, its
// operating-system user, and a directory of its own below the agent's for keys, records and logs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "driver/database_driver.h"
#include "driver/support/os_user.h"
#include "driver/support/program.h"

namespace swb::driver {

// Names beside the data directory while a seed replaces it.
constexpr std::string_view freshDataSuffix = ".swingbridge-new";
constexpr std::string_view formerDataSuffix = ".swingbridge-old";

class DatabaseHome {
  public:
    const DatabaseSpec& spec() const { return spec_; }
    const std::string& data() const { return spec_.service.data; }
    const OsUser& user() const { return user_; }
    const std::string& stateDirectory() const { return state_; }  // of this one server
    std::string stateFile(std::string_view name) const { return state_ + "/" + std::string(name); }
    std::string dataFile(std::string_view name) const { return data() + "/" + std::string(name); }

    // Records of ours, JSON, in the state directory: null when there is none. On disk when written.
    Json record(std::string_view name) const;
    Result<void> writeRecord(std::string_view name, const Json& content) const;
    Result<void> removeRecord(std::string_view name) const;

    // When the newest copy of another server's data was through; a seed notes it when it ends.
    Result<void> noteSeeded() const;
    Json seededAt() const;  // milliseconds since 1970; 0: never

  protected:
    DatabaseHome() = default;
    // Fails when the data directory is not there (nor, in the middle of a seed, a copy beside it) and no run_as says
    // whose it would be.
    Result<void> settle(const DatabaseSpec& spec, const Context& context);
    std::string recordFile(std::string_view name) const { return stateFile(std::string(name) + ".json"); }

    DatabaseSpec spec_;
    OsUser user_;
    std::string state_;
};

// One of the server's programs, as the service's user.
ProgramCall callAs(const OsUser& user, std::string program, std::vector<std::string> arguments);
// The last lines of a log, for the error of a server that does not come up.
std::string endOfLog(const std::string& path);

}  // namespace swb::driver
