// MariaDB: a server that is not read-only takes the tags, each by an autocommitted insert.
#pragma once

#include <optional>

#include "base/secret.h"
#include "driver/mariadb/connection.h"
#include "gap_client/host_ring.h"
#include "gap_client/session.h"

namespace swb::bench {

class MariadbSession final : public Session {
  public:
    MariadbSession(const Target& target, Deadlines deadlines);
    bool connected() const override { return connection_.has_value(); }
    Trouble connect() override;
    Trouble insert(const std::string& tag) override;

  private:
    Trouble open();

    HostRing hosts_;
    std::string user_, database_;
    Secret password_;
    Deadlines deadlines_;
    std::optional<driver::mariadb::Connection> connection_;
};

}  // namespace swb::bench
