// How MariaDB is started and stopped when systemd does not do it, and how its process is found whoever started it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "driver/support/os_user.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"
#include "model/application.h"

namespace swb::driver::mariadb {

struct ManagedServer {
    ServiceSpec service;
    HostPort address;
    OsUser user;
    std::string stateDirectory;
    std::string logFile;
    std::string program;     // mariadbd
    std::string ownOptions;  // our option file, for a server that has none of its own
};

//   direct         `mariadbd --defaults-file=…` in its own session, found again by its pid file; a marker file masks it
//   systemd        systemctl
Result<std::unique_ptr<ServiceManager>> makeServiceManager(const ManagedServer& server);

// The running server of a data directory: a pid file there (or beside its socket) names it, or it was started by us,
// and it works in that directory. A stale file or a reused pid is nothing.
std::optional<ProcessIdentity> findServer(const std::string& dataDirectory, const std::string& socket);

constexpr const char* pidFileName = "swingbridge.pid";  // of servers that we start

}  // namespace swb::driver::mariadb
