// Connections that outlive one verb: the outage path does not log in.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/redis/connection.h"

namespace swb::driver::redis {

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

}  // namespace swb::driver::redis
