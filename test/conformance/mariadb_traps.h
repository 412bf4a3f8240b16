// What the tests of MariaDB's and MySQL's traps share: a linked world with a hostile administrator, and writers that
// never give up. The programs database_mysql_*_test are the same tests once more, on MySQL's servers.
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
#include "driver/mariadb/dialect.h"
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

#ifdef SWB_TEST_MYSQL
constexpr Engine testedEngine = Engine::mysql;
#else
constexpr Engine testedEngine = Engine::mariadb;
#endif
constexpr bool onMysql = testedEngine == Engine::mysql;

class MariadbTraps : public DatabaseTraps<MariadbWorld> {
  protected:
    void SetUp() override { begin({}); }
    void begin(const std::string& settings) {
        world = std::make_unique<MariadbWorld>(settings, testedEngine);
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
    // As a hostile administrator, or a careless one.
    void openByHand(DatabaseSide& side) { world->sql(side, std::string(dialect().openWrites())); }
    void closeByHand(DatabaseSide& side) { world->sql(side, std::string(dialect().closeWrites())); }
    // MySQL's replica takes it only while somebody has opened it.
    bool bossWritesToReplica(DatabaseSide& side, const std::string& tag) {
        if (onMysql) openByHand(side);
        const bool written = bossWrites(side, tag);
        if (onMysql) closeByHand(side);
        return written;
    }
    // As an administrator or the operating system would.
    void startByHand(DatabaseSide& side) {
        driver::DetachedProgram server;
        server.argv = {onMysql ? mysqlPrograms() + "/sbin/mysqld" : mariadbPrograms() + "/sbin/mariadbd",
                       "--defaults-file=" + side.spec.service.config};
        server.user = mariadbUser();
        server.logFile = side.stateDirectory + "/by-hand.log";
        // MySQL waits for nobody whom its socket's lock names, also not for one that was killed and is still listed.
        const auto holder = readFile(side.spec.service.socket + ".lock", 64);
        while (holder && ::kill(std::stoi(*holder), 0) == 0) ::usleep(5000);
        SWB_REQUIRE(driver::spawnDetached(server));
        const MonotonicMs deadline = inMs(20'000);
        while (!world->trySql(side, "SELECT 1") && SystemClock().monotonic() < deadline) ::usleep(5000);
    }
    std::string position(DatabaseSide& side) {
        const std::string written = world->sql(side, "SELECT " + std::string(dialect().writtenPosition()));
        return dialect().joined(written, onMysql ? written : "").value_or("");
    }
    static const driver::mariadb::Dialect& dialect() { return driver::mariadb::Dialect::of(testedEngine); }
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
