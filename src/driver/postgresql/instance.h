// One PostgreSQL server as the definition names it: its directories, its operating-system user, its files, its process
// and the agent's own connections. Everything the driver does to a server goes through here.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "driver/database_driver.h"
#include "driver/postgresql/connection.h"
#include "driver/postgresql/control_file.h"
#include "driver/support/os_user.h"
#include "driver/support/process_identity.h"
#include "driver/support/program.h"
#include "driver/support/service_manager.h"

namespace swb::driver::postgresql {

constexpr std::string_view replicationRole = "swingbridge_repl";  // also the client certificate's common name
constexpr std::string_view slotPrefix = "swb_";                   // slots with another name are never touched

// Names beside the data directory while a seed replaces it.
constexpr std::string_view freshDataSuffix = ".swingbridge-new";
constexpr std::string_view formerDataSuffix = ".swingbridge-old";

// Connections that outlive one verb: opening one costs 3 to 5 ms, and the outage path cannot spare them.
class ConnectionPool {
  public:
    std::optional<Connection> take(const std::string& key);
    void give(const std::string& key, Connection connection);
    void forget(const std::string& key);

  private:
    static constexpr size_t idleMax = 2;  // per server
    std::mutex mutex_;
    std::vector<std::pair<std::string, Connection>> idle_;
};

// A connection on loan; back to the pool at the end when it is still good.
class Session {
  public:
    Session(ConnectionPool& pool, std::string key, Connection connection)
        : pool_(&pool), key_(std::move(key)), connection_(std::move(connection)) {}
    Session(Session&&) = default;
    Session& operator=(Session&&) = delete;
    ~Session();
    Connection* operator->() { return &*connection_; }
    Connection& operator*() { return *connection_; }

  private:
    ConnectionPool* pool_;
    std::string key_;
    std::optional<Connection> connection_;
};

class Instance {
  public:
    // Fails when the data directory is not there and no run_as says whose it would be.
    static Result<Instance> open(const DatabaseSpec& spec, const Context& context, ConnectionPool& pool);

    const DatabaseSpec& spec() const { return spec_; }
    const std::string& data() const { return spec_.service.data; }
    const OsUser& user() const { return user_; }
    const std::string& stateDirectory() const { return state_; }  // of this one server
    std::string tlsDirectory() const { return state_ + "/tls"; }
    std::string dataFile(std::string_view name) const { return data() + "/" + std::string(name); }
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

    ServiceManager& service() const { return *service_; }
    // One of the server's programs, as the service's user.
    ProgramCall programCall(std::string_view name, std::vector<std::string> arguments) const;
    // Waits until a connection works; answers it. DatabaseFailed with the end of the log when the process is gone.
    Result<Session> awaitConnection(const Context& context) const;
    Result<Session> startAndConnect(const Context& context) const;
    std::string logFile() const { return state_ + "/postgresql.log"; }

    // Records of ours, JSON, in the state directory: null when there is none.
    Json record(std::string_view name) const;
    Result<void> writeRecord(std::string_view name, const Json& content) const;
    Result<void> removeRecord(std::string_view name) const;

  private:
    Instance() = default;
    std::string poolKey() const;

    DatabaseSpec spec_;
    OsUser user_;
    std::string state_;
    ConnectionPool* pool_ = nullptr;
    std::shared_ptr<ServiceManager> service_;
};

// Milliseconds between polls of a running server or its files, on the outage path.
constexpr int64_t pollMs = 1;
void pause(int64_t milliseconds);
// A deadline in at most this many milliseconds, and never after the context's.
MonotonicMs within(const Context& context, int64_t milliseconds);
Context withDeadline(const Context& context, MonotonicMs deadline);

}  // namespace swb::driver::postgresql
