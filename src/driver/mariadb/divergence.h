// What only one server has: transactions that the other site never got. They are saved, as statements and row images,
// before anything may overwrite them, and named to whoever has to decide.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

struct SavedTransactions {
    std::string path;                       // what mariadb-binlog printed
    std::vector<std::string> transactions;  // GTIDs, the first ones
    int64_t count = 0;
};

// Everything in this server's log after the position, into a file in the state directory. Saving the same again
// replaces that file.
Result<SavedTransactions> saveAfter(const Instance& instance, Connection& connection, const std::string& position,
                                    const Context& context);
std::string describe(const SavedTransactions& saved);

// GTIDs of mariadb-binlog's output, in order: lines such as "#261122  7:40:01 server id 7 … GTID 0-7-12 trans".
std::vector<std::string> gtidsInLogText(std::string_view text);
// Of mysqlbinlog's: SET @@SESSION.GTID_NEXT= 'UUID:12', a line of its own.
std::vector<std::string> gtidsInMysqlLogText(std::string_view text);

}  // namespace swb::driver::mariadb
