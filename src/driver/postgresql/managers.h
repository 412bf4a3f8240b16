// How PostgreSQL is started and stopped when systemd does not do it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "driver/support/os_user.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"
#include "model/application.h"

namespace swb::driver::postgresql {

struct ManagedServer {
    ServiceSpec service;
    OsUser user;
    std::string stateDirectory;
    std::string logFile;
};

// The one that the definition asks for:
//   direct         `postgres -D data` in its own session, found again by postmaster.pid; a marker file masks it
//   pg_ctlcluster  Debian's wrapper; `disabled` in start.conf masks it, for pg_ctlcluster, systemd and boot alike
//   systemd        systemctl
std::unique_ptr<ServiceManager> makeServiceManager(const ManagedServer& server);

// The running postmaster of a data directory: postmaster.pid names it, and the process was started then and works in
// that directory. A stale file or a reused pid is nothing.
std::optional<ProcessIdentity> findPostmaster(const std::string& dataDirectory);

// /etc/postgresql or PG_CLUSTER_CONF_ROOT.
std::string clusterConfigurationDirectory(const ServiceSpec& service);

}  // namespace swb::driver::postgresql
