#include "driver/redis/connection_pool.h"

#include <algorithm>

namespace swb::driver::redis {

std::optional<Connection> ConnectionPool::take(const std::string& key) {
    const std::lock_guard lock(mutex_);
    for (auto entry = idle_.begin(); entry != idle_.end();) {
        if (entry->first != key) {
            ++entry;
            continue;
        }
        Connection connection = std::move(entry->second);
        entry = idle_.erase(entry);
        if (connection.usable()) return connection;
    }
    return std::nullopt;
}

void ConnectionPool::give(const std::string& key, Connection connection) {
    if (!connection.usable()) return;
    const std::lock_guard lock(mutex_);
    const auto same = std::count_if(idle_.begin(), idle_.end(), [&](const auto& entry) { return entry.first == key; });
    if (static_cast<size_t>(same) < idleMax) idle_.emplace_back(key, std::move(connection));
}

void ConnectionPool::forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::erase_if(idle_, [&](const auto& entry) { return entry.first == key; });
}

Session::~Session() {
    if (connection_ && pool_) pool_->give(key_, std::move(*connection_));
}

}  // namespace swb::driver::redis
