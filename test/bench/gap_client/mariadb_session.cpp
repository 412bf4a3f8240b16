#include "gap_client/mariadb_session.h"

#include <cstdlib>

namespace swb::bench {
namespace {

MonotonicMs within(int milliseconds) {
    return SystemClock().monotonic() + milliseconds;
}

}  // namespace

MariadbSession::MariadbSession(const Target& target, Deadlines deadlines)
    : hosts_(target.mariadb), user_(target.user), database_(target.database), deadlines_(deadlines) {
    if (const char* password = std::getenv("MYSQL_PWD")) password_ = Secret(password);
}

Trouble MariadbSession::open() {
    const auto user = driver::currentOsUser();
    if (!user) return "connect:other";
    const MonotonicMs deadline = within(deadlines_.connectMs);
    driver::mariadb::Endpoint endpoint;
    endpoint.host = hosts_.first().host;
    endpoint.port = hosts_.first().port;
    endpoint.user = user_;
    endpoint.password = password_;
    endpoint.database = database_;
    auto opened = driver::mariadb::Connection::open(endpoint, *user, deadline);
    if (!opened) return "connect:refused";
    const auto readOnly = opened->value("SELECT @@GLOBAL.read_only", deadline);
    if (!readOnly) return "connect:lost";
    if (*readOnly != "0") return "connect:read-only";
    connection_.emplace(std::move(*opened));
    return {};
}

Trouble MariadbSession::connect() {
    const Trouble trouble = open();
    if (!trouble.empty()) hosts_.rotate();
    return trouble;
}

Trouble MariadbSession::insert(const std::string& tag) {
    const auto done = connection_->execute("INSERT INTO acknowledged(tag) VALUES (" + connection_->literal(tag) + ")",
                                           within(deadlines_.statementMs));
    if (done) return {};
    const Trouble trouble = done.error().code == ErrorCode::DeadlineExceeded
                                ? "deadline"
                                : "mariadb:" + std::to_string(connection_->lastErrorNumber());
    connection_.reset();
    return trouble;
}

}  // namespace swb::bench
