// A server of our own for as long as a copy is loaded into a fresh data directory: no network, a socket in a directory
// that only the service's user enters, no binary log, no events. It ends with the object.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

class FreshServer {
  public:
    // Makes the data directory's system tables, and starts.
    static Result<FreshServer> start(const Instance& instance, const std::string& data, const Context& context);
    // On a copy of another server's files, with the options it was made with.
    static Result<FreshServer> startOnCopy(const Instance& instance, const std::string& data,
                                           const std::string& optionFile, const Context& context);
    FreshServer(FreshServer&&) noexcept;
    FreshServer& operator=(FreshServer&&) = delete;
    ~FreshServer();

    Connection& connection() { return *connection_; }
    const std::string& socket() const { return socket_; }
    // A clean stop: the directory is complete after it.
    Result<void> stop(const Context& context);

    // What an agent that was killed left of one: the server of that data directory, and its socket's directory.
    static void endLeftovers(const Instance& instance, const std::string& data);

  private:
    FreshServer() = default;
    static Result<FreshServer> prepared(const Instance& instance, const std::string& data);
    Result<void> run(const Instance& instance, const std::string& options, const Context& context);
    std::string directory_, socket_, data_;
    std::optional<Connection> connection_;
    std::optional<ProcessIdentity> process_;
};

}  // namespace swb::driver::mariadb
