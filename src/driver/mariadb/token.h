// The promotion token of a MariaDB primary: which database (the identity that copies share), and the position after
// which nothing was committed.
#pragma once

#include "driver/database_driver.h"

namespace swb::driver::mariadb {

struct SwitchToken {
    std::string identity;  // swingbridge.origin
    std::string end;       // GTID position, or GTID set of MySQL
    int64_t epoch = 0;
};

Result<SwitchToken> parseToken(const Token& token, Engine engine);
Token makeToken(const std::string& database, Engine engine, const SwitchToken& token, UnixMs at);

}  // namespace swb::driver::mariadb
