// One libpq connection, used with asynchronous calls and a deadline on every one. A connection that missed a deadline
// is broken and must be thrown away: its answer may still come.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "driver/support/os_user.h"

struct pg_conn;

namespace swb::driver::postgresql {

using Parameters = std::vector<std::pair<std::string, std::string>>;
using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

class Connection {
  public:
    // user: peer authentication and the client key's permissions are those of this operating-system user.
    // Unreachable (no server, refused, bad certificate) or DeadlineExceeded.
    static Result<Connection> open(const Parameters& parameters, const OsUser& user, MonotonicMs deadline);

    Connection(Connection&&) noexcept = default;
    Connection& operator=(Connection&&) noexcept = default;

    // One statement in the simple protocol, or with $1… parameters. DatabaseFailed with the server's message.
    Result<Rows> query(const std::string& sql, MonotonicMs deadline);
    Result<Rows> query(const std::string& sql, const std::vector<std::string>& parameters, MonotonicMs deadline);
    // The first column of the first row; empty when null or no row.
    Result<std::string> value(const std::string& sql, MonotonicMs deadline);
    // A statement that answers with a stream (COPY BOTH: START_REPLICATION), message by message until `take` answers
    // false or the server ends it; the connection is used up.
    Result<void> stream(const std::string& sql, const std::function<bool(std::string_view)>& take,
                        MonotonicMs deadline);
    // Sends and does not wait; the connection is used up.
    Result<void> send(const std::string& sql);

    // False when the server has ended it, or a deadline was missed.
    bool usable();
    int serverVersion() const;  // 150018
    std::string identifier(std::string_view name) const;
    std::string literal(std::string_view text) const;

  private:
    struct Closer {
        void operator()(pg_conn* connection) const;
    };
    explicit Connection(pg_conn* connection) : connection_(connection) {}
    Result<Rows> collect(MonotonicMs deadline);
    bool waitFor(short events, MonotonicMs deadline);

    std::unique_ptr<pg_conn, Closer> connection_;
    bool broken_ = false;
};

}  // namespace swb::driver::postgresql
