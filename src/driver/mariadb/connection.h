// One connection of libmariadb. Its calls block; every one here has a deadline all the same: a statement is sent, the
// socket is watched until the answer begins, and only then is it read. A connection that missed a deadline is broken
// and must be thrown away: its answer may still come.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "driver/support/os_user.h"

struct st_mysql;

namespace swb::driver::mariadb {

// One row, by column name (in any case): the server's status tables differ in columns from release to release.
class Row {
  public:
    void put(std::string name, std::optional<std::string> value);
    const std::string& at(std::string_view name) const;  // empty when null or absent
    bool isNull(std::string_view name) const;
    const std::string& first() const;

  private:
    std::vector<std::pair<std::string, std::optional<std::string>>> cells_;
};
using Rows = std::vector<Row>;

struct Endpoint {
    std::string socket;  // path; empty: host and port
    std::string host;
    uint16_t port = 0;
    std::string user;
    Secret password;
    std::string database;
    // All three: TLS with our certificate, the server's verified by authority and name.
    std::string authorityFile, certificateFile, keyFile;
};

class Connection {
  public:
    // actAs: unix_socket authentication and the client key's permissions are those of this operating-system user.
    // Unreachable (no server, refused, bad certificate) or DeadlineExceeded.
    static Result<Connection> open(const Endpoint& endpoint, const OsUser& actAs, MonotonicMs deadline);

    Connection(Connection&&) noexcept = default;
    Connection& operator=(Connection&&) noexcept = default;

    // DatabaseFailed with the server's message. lastErrorNumber() tells more.
    Result<Rows> query(const std::string& sql, MonotonicMs deadline);
    Result<void> execute(const std::string& sql, MonotonicMs deadline);
    // The first column of the first row; empty when null or no row.
    Result<std::string> value(const std::string& sql, MonotonicMs deadline);

    // False when the server has ended it, or a deadline was missed.
    bool usable() const;
    unsigned lastErrorNumber() const { return lastErrorNumber_; }
    int serverVersion() const;  // 101119
    bool isMariadb() const;
    uint64_t id() const;
    std::string literal(std::string_view text) const;  // with its quotes
    int socket() const;

  private:
    struct Closer {
        void operator()(st_mysql* connection) const;
    };
    explicit Connection(st_mysql* connection) : connection_(connection) {}
    bool awaitAnswer(MonotonicMs deadline) const;
    tl::unexpected<Error> serverError();

    std::unique_ptr<st_mysql, Closer> connection_;
    bool broken_ = false;
    unsigned lastErrorNumber_ = 0;
};

// `name` with backticks.
std::string identifier(std::string_view name);

}  // namespace swb::driver::mariadb
