#include "gap_client/redis_session.h"

#include <cstdlib>

namespace swb::bench {
namespace {

MonotonicMs within(int milliseconds) {
    return SystemClock().monotonic() + milliseconds;
}

}  // namespace

RedisSession::RedisSession(const Target& target, Deadlines deadlines)
    : hosts_(target.redis), user_(target.redisUser), deadlines_(deadlines) {
    if (const char* password = std::getenv("REDISCLI_AUTH")) password_ = Secret(password);
}

Trouble RedisSession::open() {
    const MonotonicMs deadline = within(deadlines_.connectMs);
    driver::redis::Endpoint endpoint;
    endpoint.host = hosts_.first().host;
    endpoint.port = hosts_.first().port;
    auto opened = driver::redis::Connection::open(endpoint, deadline);
    if (!opened) return "connect:refused";
    if (!password_.empty() && !opened->logIn(user_, password_, deadline)) return "connect:rejected";
    connection_.emplace(std::move(*opened));
    return {};
}

Trouble RedisSession::connect() {
    const Trouble trouble = open();
    if (!trouble.empty()) hosts_.rotate();
    return trouble;
}

Trouble RedisSession::insert(const std::string& tag) {
    const auto done = connection_->callAll({{"HINCRBY", "acknowledged", tag, "1"}}, within(deadlines_.statementMs));
    if (done && done->front().kind == driver::redis::Reply::Kind::integer) return {};
    Trouble trouble = "lost";
    if (done) trouble = "redis:" + std::string(done->front().errorName());
    if (!done && done.error().code == ErrorCode::DeadlineExceeded) trouble = "deadline";
    connection_.reset();
    // An application's user may not ask for a server's role: a replica shows by READONLY.
    hosts_.rotate();
    return trouble;
}

}  // namespace swb::bench
