// One PostgreSQL server as the definition names it: its directories, its operating-system user, its files, its process
// and the agent's own connections. Everything the driver does to a server goes through here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "driver/database_driver.h"
#include "driver/postgresql/connection.h"
#include "driver/postgresql/control_file.h"
#include "driver/support/connection_pool.h"
#include "driver/support/database_home.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"
#include "driver/support/timing.h"
#include "driver/support/tls_directory.h"

namespace swb::driver::postgresql {

constexpr std::string_view replicationRole = "swingbridge_repl";  // also the client certificate's common name
constexpr std::string_view slotPrefix = "swb_";                   // slots with another name are never touched

// Connections that outlive one verb: opening one costs 3 to 5 ms.
using ConnectionPool = driver::ConnectionPool<Connection>;
using Session = PooledSession<Connection>;

class Instance : public DatabaseHome {
  public:
    // Fails when the data directory is not there and no run_as says whose it would be.
    static Result<Instance> open(const DatabaseSpec& spec, const Context& context, ConnectionPool& pool);

    TlsDirectory tls() const { return {stateFile("tls"), user(), std::string(replicationRole)}; }
    std::string socketDirectory() const;
    std::string configurationDirectory() const;        // where postgresql.conf lives
    std::string program(std::string_view name) const;  // in the service's bin directory
    bool hasData() const;                              // there is a data directory with a server's files

    Result<ControlFile> control() const { return readControlFile(data()); }
    std::optional<ProcessIdentity> postmaster() const;
    bool standbySignal() const;
    // Flushed to disk only when asked: the outage path does that while the server is already stopping.
    Result<void> putStandbySignal(bool flush) const;
    Result<void> removeStandbySignal() const;
    Result<std::string> readDataFile(std::string_view name) const;  // empty when it does not exist
    Result<void> writeDataFile(std::string_view name, std::string_view content) const;
    // Several settings in postgresql.auto.conf; an empty optional removes one. Only while the server is down.
    Result<void> editAutoConf(const std::vector<std::pair<std::string, std::optional<std::string>>>& settings) const;
    std::optional<std::string> autoConfSetting(std::string_view name) const;

    // As the superuser on the unix socket; "postgres" unless a database is named.
    Result<Session> session(const Context& context) const;
    Result<Connection> connect(const std::string& database, const Context& context) const;
    // A walsender connection to a peer with our client certificate.
    Result<Connection> replicationConnection(const Peer& peer, MonotonicMs deadline) const;
    std::string primaryConnectionInfo(const Peer& peer, std::string_view slot) const;
    // An ordinary session at a peer, as the same role: what pg_rewind reads a source by.
    Result<Connection> rewindConnection(const Peer& peer, MonotonicMs deadline) const;
    std::string rewindConnectionInfo(const Peer& peer) const { return joined(rewindParameters(peer)); }

    ServiceManager& service() const { return *service_; }
    // One of the server's programs, as the service's user.
    ProgramCall programCall(std::string_view name, std::vector<std::string> arguments) const;
    // Waits until a connection works; answers it. DatabaseFailed with the end of the log when the process is gone.
    Result<Session> awaitConnection(const Context& context) const;
    Result<Session> startAndConnect(const Context& context) const;
    std::string logFile() const { return stateFile("postgresql.log"); }

  private:
    Instance() = default;
    std::string poolKey() const;
    Parameters peerParameters(const Peer& peer) const;
    Parameters rewindParameters(const Peer& peer) const;
    static std::string joined(const Parameters& parameters);

    ConnectionPool* pool_ = nullptr;
    std::shared_ptr<ServiceManager> service_;
};

}  // namespace swb::driver::postgresql
