#include "driver/mariadb/write_probe.h"

#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) {
    Endpoint endpoint;
    endpoint.host = spec.address.host;
    endpoint.port = spec.address.port;
    endpoint.user = spec.user;
    endpoint.password = password;
    endpoint.database = spec.database;
    Connection connection = TRY(Connection::open(endpoint, TRY(currentOsUser()), context.deadline));
    auto written = connection.execute(
        "INSERT INTO swingbridge.write_test (writer, number) VALUES (CURRENT_USER(), 1) ON DUPLICATE KEY UPDATE number "
        "= "
        "number + 1",
        context.deadline);
    if (written || !isMissingTable(connection)) return written;
    // A server that was not prepared yet has no such table; a read-only one refuses even the beginning.
    TRY_VOID(connection.execute("START TRANSACTION READ WRITE", context.deadline));
    return connection.execute("COMMIT", context.deadline);
}

}  // namespace swb::driver::mariadb
