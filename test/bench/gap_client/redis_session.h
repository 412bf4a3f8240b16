// Redis: a server that is no replica takes the tags. A tag is counted in a hash, so that one that was written twice
// shows.
#pragma once

#include <optional>

#include "base/secret.h"
#include "driver/redis/connection.h"
#include "gap_client/host_ring.h"
#include "gap_client/session.h"

namespace swb::bench {

class RedisSession final : public Session {
  public:
    RedisSession(const Target& target, Deadlines deadlines);
    bool connected() const override { return connection_.has_value(); }
    Trouble connect() override;
    Trouble insert(const std::string& tag) override;

  private:
    Trouble open();

    HostRing hosts_;
    std::string user_;
    Secret password_;
    Deadlines deadlines_;
    std::optional<driver::redis::Connection> connection_;
};

}  // namespace swb::bench
