// How a server is started and stopped when systemd does not do it, and how its process is found.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "driver/support/os_user.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"
#include "model/application.h"

namespace swb::driver::redis {

struct ManagedServer {
    ServiceSpec service;
    std::string program;  // redis-server or valkey-server, with its directory when the definition names one
    std::string configFile;
    OsUser user;
    std::string stateDirectory;
    std::string logFile;
};

// direct: `redis-server CONFIG` in its own session, found again by its working directory; a marker file masks it.
// systemd: systemctl. Debian's wrappers of PostgreSQL are no manager for it.
Result<std::unique_ptr<ServiceManager>> makeServiceManager(const ManagedServer& server);

// The running server of a data directory: it changes into that directory at its start. Children that write snapshots
// have the same directory and are not it.
std::optional<ProcessIdentity> findServer(const std::string& dataDirectory);

}  // namespace swb::driver::redis
