// What the tests of MariaDB's traps share: a linked world with a hostile administrator, and writers that never give up.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "base/ids.h"
#include "driver/mariadb/gtid.h"
#include "driver/mariadb/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/database_traps.h"
#include "support/mariadb_fixture.h"

namespace swb::test {

using driver::Token;
using driver::mariadb::Connection;

inline MonotonicMs inMs(int64_t milliseconds) {
    return SystemClock().monotonic() + milliseconds;
}

class MariadbTraps : public DatabaseTraps<MariadbWorld> {
  protected:
    void SetUp() override { begin({}); }
    void begin(const std::string& settings) {
        world = std::make_unique<MariadbWorld>(settings);
        // Everything on everything, READ ONLY ADMIN and SUPER included: read_only does not bind it.
        world->sql(world->a(), "CREATE USER boss@'%' IDENTIFIED BY 'boss-password'");
        world->sql(world->a(), "GRANT ALL PRIVILEGES ON *.* TO boss@'%' WITH GRANT OPTION");
        linkSides();
    }
    std::string primarySql(const std::string& statement) { return world->sql(*current, statement); }
    std::string replicaSql(const std::string& statement) { return world->sql(*standby, statement); }
    Result<Connection> asBoss(DatabaseSide& side) { return connectMariadb(side.spec, "boss", "boss-password", "shop"); }
    bool bossWrites(DatabaseSide& side, const std::string& tag) {
        auto connection = asBoss(side);
        return connection && connection->execute("INSERT INTO items (tag) VALUES ('" + tag + "')", inMs(2000));
    }
    // As an administrator or the operating system would.
    void startByHand(DatabaseSide& side) {
        driver::DetachedProgram server;
        server.argv = {"/usr/sbin/mariadbd", "--defaults-file=" + side.spec.service.config};
        server.user = mariadbUser();
        server.logFile = side.stateDirectory + "/by-hand.log";
        SWB_REQUIRE(driver::spawnDetached(server));
        const MonotonicMs deadline = inMs(20'000);
        while (!world->trySql(side, "SELECT 1") && SystemClock().monotonic() < deadline) ::usleep(5000);
    }
    std::string position(DatabaseSide& side) { return world->sql(side, "SELECT @@GLOBAL.gtid_binlog_pos"); }
};

// Writers that never give up, new connections all the time, until the object ends.
class Churn {
  public:
    Churn(int threads, std::function<bool(const std::string&)> write) {
        for (int i = 0; i < threads; ++i)
            threads_.emplace_back([this, write] {
                while (!stop_) {
                    const std::string tag = newId("c");
                    if (!write(tag)) continue;
                    const std::lock_guard lock(mutex_);
                    acknowledged_.insert(tag);
                }
            });
    }
    ~Churn() { end(); }
    std::set<std::string> end() {
        stop_ = true;
        for (auto& thread : threads_)
            if (thread.joinable()) thread.join();
        return acknowledged_;
    }
    size_t count() {
        const std::lock_guard lock(mutex_);
        return acknowledged_.size();
    }

  private:
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::set<std::string> acknowledged_;
    std::vector<std::thread> threads_;
};

inline bool contains(const std::set<std::string>& all, const std::set<std::string>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace swb::test
