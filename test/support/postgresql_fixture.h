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

// Directory with PostgreSQL's server programs; empty when none is installed.
std::string postgresqlPrograms();
driver::OsUser postgresqlUser();
uint16_t freePort(const std::string& address);
// A directory below TMPDIR that the servers' user may walk through.
std::string makeTestDirectory(const std::string& name);

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
    DatabaseSide& a() override { return a_; }
    DatabaseSide& b() override { return b_; }
    void link() override;
    bool insert(DatabaseSide& side, const std::string& tag) override;
    std::set<std::string> tags(DatabaseSide& side) override;
    Json laterToken(const Json& token) override;
    Json foreignToken(const Json& token) override;

    void installCertificates(DatabaseSide& side);
    // Another server, not linked to anything; at a and b's kind of site.
    DatabaseSide& addSide(const std::string& application, const std::string& host);
    std::string sql(DatabaseSide& side, const std::string& statement) const;
    const std::string& directory() const { return directory_; }

  private:
    void makeSide(DatabaseSide& side, const std::string& application, const std::string& host,
                  const std::string& settings);

    std::string directory_;
    crypto::KeyAndCertificate authority_;
    DatabaseSide a_, b_;
    std::vector<std::unique_ptr<DatabaseSide>> further_;
};

}  // namespace swb::test
