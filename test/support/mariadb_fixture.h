// MariaDB and MySQL for tests: single servers, and a world of two (database_world.h). As root the servers run as the
// user mysql. Set SWB_KEEP_TEST_DATA to look at a failed test's directories afterwards.
#pragma once

#include <optional>
#include <string>

#include "crypto/certificate.h"
#include "driver/mariadb/connection.h"
#include "driver/support/os_user.h"
#include "support/database_world.h"

namespace swb::test {

// The operating-system user of test servers, and the database account the agent works as.
driver::OsUser mariadbUser();

// Directory whose bin and sbin are MariaDB's: the installed one's, or what SWB_MARIADB_PROGRAMS names.
std::string mariadbPrograms();

// Directory whose bin and sbin are MySQL's (SWB_MYSQL_PROGRAMS names it; Debian has no MySQL); empty: there is none.
std::string mysqlPrograms();

// System tables (copied from ones made once per process), an option file with nothing but places, a running server with
// the application's database, its account and the table `items`.
DatabaseSpec makeMariadbServer(const std::string& directory, const std::string& host, const std::string& settings,
                               Engine engine = Engine::mariadb);
void killMariadbServer(const DatabaseSpec& spec);
std::optional<int> mariadbPid(const DatabaseSpec& spec);

// As that account over TCP; without a password unless one is given. Aborts the test's process when it cannot.
Result<driver::mariadb::Connection> connectMariadb(const DatabaseSpec& spec, const std::string& user,
                                                   const std::string& password, const std::string& database = {});

class MariadbWorld final : public DatabaseWorld {
  public:
    explicit MariadbWorld(const std::string& settings = {}, Engine engine = Engine::mariadb);
    ~MariadbWorld() override;
    bool insert(DatabaseSide& side, const std::string& tag) override;
    std::set<std::string> tags(DatabaseSide& side) override;
    Json laterToken(const Json& token) override;
    Json foreignToken(const Json& token) override;

    // As the superuser over the socket; the first value.
    std::string sql(DatabaseSide& side, const std::string& statement) const;
    std::optional<std::string> trySql(DatabaseSide& side, const std::string& statement,
                                      std::string* error = nullptr) const;

  private:
    DatabaseSpec makeServer(const std::string& directory, const std::string& host,
                            const std::string& settings) override;
    void killServer(const DatabaseSpec& spec) override { killMariadbServer(spec); }

    const Engine engine_;
};

}  // namespace swb::test
