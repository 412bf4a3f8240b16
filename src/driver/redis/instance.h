// One Redis or Valkey server as the definition names it: its directories, its configuration, its operating-system user,
// its process and the agent's own connections. Everything the driver does to a server goes through here.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "driver/database_driver.h"
#include "driver/redis/connection.h"
#include "driver/redis/role_file.h"
#include "driver/support/connection_pool.h"
#include "driver/support/database_home.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"
#include "driver/support/timing.h"
#include "driver/support/tls_directory.h"

namespace swb::driver::redis {

using ConnectionPool = driver::ConnectionPool<Connection>;
using Session = PooledSession<Connection>;

constexpr std::string_view replicationUser = "swingbridge_repl";  // also the client certificate's common name

enum class Flush { now, later };

class Instance : public DatabaseHome {
  public:
    // Fails when the data directory is not there and no run_as says whose it would be.
    static Result<Instance> open(const DatabaseSpec& spec, const Context& context, ConnectionPool& pool);

    TlsDirectory tls() const { return {stateFile("tls"), user(), std::string(replicationUser)}; }
    const std::string& configFile() const { return config_; }
    std::string roleFilePath() const { return stateFile("role.conf"); }
    std::string logFile() const { return stateFile("server.log"); }  // what it says before it has its own log
    std::string ownLogFile() const;                                  // what its configuration names; or nothing

    // The agent's own way in: the unix socket, or the address when the definition names none.
    Endpoint endpoint() const;
    // TLS with our certificate, as a replica of ours would connect.
    Result<Endpoint> peerEndpoint(const HostPort& address) const;

    // Logged in as the agent's own user (credentials.h).
    Result<Session> session(const Context& context) const;
    std::optional<ProcessIdentity> process() const;
    ServiceManager& service() const { return *service_; }
    // Waits until the server answers and has loaded its data. DatabaseFailed with the end of its log when it is gone.
    Result<Session> awaitReady(const Context& context) const;
    Result<Session> startAndConnect(const Context& context) const;
    // Of a running server, or of one that is started for it.
    Result<Session> runningSession(const Context& context) const;

    // As it would be read at a start; empty when there is none yet.
    RoleFile role() const;
    // Writes it where it differs, and sees to it that the configuration includes it last: a CONFIG REWRITE puts its
    // lines behind ours, and the last line wins. Flush::later: the caller calls flushRole().
    Result<void> writeRole(const RoleFile& role, Flush flush = Flush::now) const;
    Result<void> flushRole() const;

    // The configuration's text, with what it includes put behind it.
    std::string configuration() const;
    // Changes the file in place, as its owner.
    Result<void> rewriteFile(const std::string& path, const std::string& before, const std::string& after) const;

    // Records survive the agent here; what must survive a power cut is the role file.
    Result<void> writeRecord(std::string_view name, const Json& content) const;
    Result<void> removeRecord(std::string_view name) const;

  private:
    Instance() = default;
    std::string poolKey() const { return endpoint().text(); }

    std::string config_;
    ConnectionPool* pool_ = nullptr;
    std::shared_ptr<ServiceManager> service_;
};

}  // namespace swb::driver::redis
