// One MariaDB or MySQL server as the definition names it: its directories, its operating-system user, its option files,
// its process and the agent's own connections. Everything the driver does to a server goes through here.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "driver/database_driver.h"
#include "driver/mariadb/connection.h"
#include "driver/mariadb/dialect.h"
#include "driver/mariadb/option_file.h"
#include "driver/support/connection_pool.h"
#include "driver/support/database_home.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"
#include "driver/support/timing.h"
#include "driver/support/tls_directory.h"

namespace swb::driver::mariadb {

constexpr std::string_view replicationUser = "swingbridge_repl";  // also the client certificate's common name
constexpr std::string_view ownSchema = "swingbridge";             // origin, promotion, write_test

// What outlives one verb: idle connections (opening one costs milliseconds that the outage path cannot spare), and for
// every fenced server the session that holds its global read lock. It also knows which of a server's sessions are ours,
// and so are not ended by a fence.
class Sessions {
  public:
    std::optional<Connection> takeIdle(const std::string& server);
    void giveIdle(const std::string& server, Connection connection);
    void forget(const std::string& server);

    void hold(const std::string& server, Connection lockHolder);
    // The holder leaves: the lock ends with the connection, or with its UNLOCK TABLES.
    std::optional<Connection> takeHolder(const std::string& server);
    bool isHeld(const std::string& server);

    void open(const std::string& server, uint64_t id);
    void closed(const std::string& server, uint64_t id);
    std::set<uint64_t> ours(const std::string& server);

  private:
    ConnectionPool<Connection> idle_{
        [this](const std::string& server, const Connection& gone) { closed(server, gone.id()); }};
    std::mutex mutex_;  // of what follows; never held while the pool is asked
    std::map<std::string, Connection> holders_;
    std::multiset<std::pair<std::string, uint64_t>> open_;
};

// A connection on loan; back to the idle ones at the end when it is still good.
class Session {
  public:
    Session(std::shared_ptr<Sessions> sessions, std::string server, Connection connection)
        : sessions_(std::move(sessions)), server_(std::move(server)), connection_(std::move(connection)) {}
    Session(Session&& other) noexcept = default;
    Session& operator=(Session&&) = delete;
    ~Session();
    Connection* operator->() { return &*connection_; }
    Connection& operator*() { return *connection_; }
    // It is not given back: somebody else keeps it, or it is used up.
    Connection release();

  private:
    std::shared_ptr<Sessions> sessions_;
    std::string server_;
    std::optional<Connection> connection_;
};

class Instance : public DatabaseHome {
  public:
    // Fails when the data directory is not there and no run_as says whose it would be.
    static Result<Instance> open(const DatabaseSpec& spec, const Context& context, std::shared_ptr<Sessions> sessions);

    const Dialect& dialect() const { return Dialect::of(spec_.engine); }
    TlsDirectory tls() const { return {stateFile("tls"), user(), std::string(replicationUser)}; }
    std::string socket() const;
    std::string program(std::string_view name) const;  // in the service's bin directory, or by PATH
    std::string logFile() const { return stateFile("mariadb.log"); }
    bool hasData() const;  // there is a data directory with a server's files
    std::optional<ProcessIdentity> server() const;

    // Our options, and that the server's own file includes them. They count from its next start.
    std::string optionFile() const;  // of the server; empty when it has only ours
    std::string ownOptionFile() const { return stateFile("swingbridge.cnf"); }
    Options ownOptions() const;
    Result<void> writeOwnOptions(const Options& options) const;

    // As the superuser on the unix socket.
    Result<Session> session(const Context& context) const;
    Result<Connection> connect(const Context& context) const;
    // To a peer with our client certificate, as its replication user.
    Result<Connection> peerConnection(const Peer& peer, MonotonicMs deadline) const;
    SourceAddress sourceAddress(const Peer& peer) const;
    // Of an account with every right on this machine.
    OsUser superuserAccount() const;

    Sessions& sessions() const { return *sessions_; }
    std::string sessionsKey() const { return socket(); }

    ServiceManager& service() const { return *service_; }
    // One of the server's programs, as the service's user.
    ProgramCall programCall(std::string_view name, std::vector<std::string> arguments) const;
    // Waits until a connection works; answers it. DatabaseFailed with the end of the log when the process is gone.
    Result<Session> awaitConnection(const Context& context) const;
    Result<Session> startAndConnect(const Context& context) const;
    // The same for one that runs already.
    Result<Session> startedSession(const Context& context) const;
    Result<Session> restartAndConnect(const Context& context) const;

  private:
    Instance() = default;

    std::shared_ptr<Sessions> sessions_;
    std::shared_ptr<ServiceManager> service_;
};

}  // namespace swb::driver::mariadb
