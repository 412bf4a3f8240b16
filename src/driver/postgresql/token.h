// The promotion token of a PostgreSQL primary: which server, which timeline, and where its very last record ends.
#pragma once

#include "driver/database_driver.h"
#include "driver/postgresql/control_file.h"
#include "driver/postgresql/lsn.h"

namespace swb::driver::postgresql {

struct SwitchToken {
    uint64_t systemId = 0;
    uint32_t timeline = 0;
    Lsn checkpoint = 0;  // where the shutdown checkpoint's record begins
    Lsn end = 0;         // where it ends: a replica that replayed to here has everything
};

Result<SwitchToken> parseToken(const Token& token);
Token makeToken(const std::string& database, const SwitchToken& token, int64_t epoch, UnixMs at);

}  // namespace swb::driver::postgresql
