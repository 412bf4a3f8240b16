// PostgreSQL for tests: single servers, and a world of two (database_world.h). As root the servers run as the user
// postgres. Set SWB_KEEP_TEST_DATA to look at a failed test's directories afterwards.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "driver/support/os_user.h"
#include "support/database_world.h"

namespace swb::test {

// Directory with PostgreSQL's server programs (SWB_POSTGRESQL_PROGRAMS names another); empty when none is installed.
std::string postgresqlPrograms();
driver::OsUser postgresqlUser();

struct ServerOptions {
    std::string settings;  // appended to postgresql.conf
    bool start = true;
    bool makeApplicationDatabase = true;
};

// initdb (copied from one made per process), configuration, role and database of the application, table `items`.
// Fills spec.address, spec.service, spec.database, spec.user; `directory` must exist.
DatabaseSpec makePostgresqlServer(const std::string& directory, const std::string& host, const ServerOptions& options);
// Ends it the hard way if it still runs.
void killPostgresqlServer(const DatabaseSpec& spec);
std::optional<int> postmasterPid(const DatabaseSpec& spec);

// A statement as the superuser over the socket; the first value. On failure: nothing, and the message in `error`.
std::optional<std::string> runSql(const DatabaseSpec& spec, const std::string& sql,
                                  const std::string& database = "postgres", std::string* error = nullptr);

class PostgresqlWorld final : public DatabaseWorld {
  public:
    explicit PostgresqlWorld(const std::string& settings = {});
    ~PostgresqlWorld() override;
    bool insert(DatabaseSide& side, const std::string& tag) override;
    std::set<std::string> tags(DatabaseSide& side) override;
    Json laterToken(const Json& token) override;
    Json foreignToken(const Json& token) override;

    std::string sql(DatabaseSide& side, const std::string& statement) const;

  private:
    DatabaseSpec makeServer(const std::string& directory, const std::string& host,
                            const std::string& settings) override {
        return makePostgresqlServer(directory, host, {settings, true, true});
    }
    void killServer(const DatabaseSpec& spec) override { killPostgresqlServer(spec); }
};

}  // namespace swb::test
