// Connections that outlive one verb: opening one costs milliseconds that the outage path cannot spare.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace swb::driver {

// Connection: movable, and usable() says whether the other end still answers it.
template <typename Connection>
class ConnectionPool {
  public:
    // discarded: told of each connection that is not kept any longer, but for those of a server that is forgotten.
    using Discarded = std::function<void(const std::string& server, const Connection& connection)>;
    explicit ConnectionPool(Discarded discarded = {}) : discarded_(std::move(discarded)) {}

    std::optional<Connection> take(const std::string& server) {
        const std::lock_guard lock(mutex_);
        for (auto entry = idle_.begin(); entry != idle_.end();) {
            if (entry->first != server) {
                ++entry;
                continue;
            }
            Connection connection = std::move(entry->second);
            entry = idle_.erase(entry);
            if (connection.usable()) return connection;
            discard(server, connection);
        }
        return std::nullopt;
    }
    void give(const std::string& server, Connection connection) {
        const std::lock_guard lock(mutex_);
        const auto same =
            std::count_if(idle_.begin(), idle_.end(), [&](const auto& entry) { return entry.first == server; });
        if (connection.usable() && static_cast<size_t>(same) < idleMax)
            idle_.emplace_back(server, std::move(connection));
        else
            discard(server, connection);
    }
    void forget(const std::string& server) {
        const std::lock_guard lock(mutex_);
        std::erase_if(idle_, [&](const auto& entry) { return entry.first == server; });
    }

  private:
    void discard(const std::string& server, const Connection& connection) {
        if (discarded_) discarded_(server, connection);
    }

    const Discarded discarded_;
    static constexpr size_t idleMax = 2;  // per server
    std::mutex mutex_;
    std::vector<std::pair<std::string, Connection>> idle_;
};

// A connection on loan; back to the pool at the end when it is still good.
template <typename Connection>
class PooledSession {
  public:
    PooledSession(ConnectionPool<Connection>& pool, std::string server, Connection connection)
        : pool_(&pool), server_(std::move(server)), connection_(std::move(connection)) {}
    PooledSession(PooledSession&& other) noexcept
        : pool_(other.pool_),
          server_(std::move(other.server_)),
          connection_(std::exchange(other.connection_, std::nullopt)) {}
    PooledSession& operator=(PooledSession&&) = delete;
    ~PooledSession() {
        if (connection_) pool_->give(server_, std::move(*connection_));
    }
    Connection* operator->() { return &*connection_; }
    Connection& operator*() { return *connection_; }

  private:
    ConnectionPool<Connection>* pool_;
    std::string server_;
    std::optional<Connection> connection_;
};

}  // namespace swb::driver
