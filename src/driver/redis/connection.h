// One connection to a Redis or Valkey server: commands in, replies out, a deadline on every call. A connection that
// missed a deadline is broken and must be thrown away: its answer may still come.
#pragma once

#include "base/secret.h"
#include "driver/redis/info.h"
#include "driver/redis/resp.h"
#include "driver/redis/stream.h"

namespace swb::driver::redis {

class Connection {
  public:
    static Result<Connection> open(const Endpoint& endpoint, MonotonicMs deadline);

    // DatabaseFailed with the server's words when it answers with an error.
    Result<Reply> call(const Command& command, MonotonicMs deadline);
    // Sent together, answered in order; errors of the server are among the replies.
    Result<std::vector<Reply>> callAll(const std::vector<Command>& commands, MonotonicMs deadline);
    // AUTH; an empty user is the server's default user.
    Result<void> logIn(const std::string& user, const Secret& password, MonotonicMs deadline);
    Result<Info> info(const std::string& section, MonotonicMs deadline);

    // False when the server has ended it, or a deadline was missed.
    bool usable() const { return !broken_ && stream_.isQuiet(); }

  private:
    explicit Connection(Stream stream) : stream_(std::move(stream)) {}
    Result<Reply> read(MonotonicMs deadline);

    Stream stream_;
    std::string received_;
    bool broken_ = false;
};

// The server's error reply as ours.
tl::unexpected<Error> serverError(const Reply& reply);

}  // namespace swb::driver::redis
