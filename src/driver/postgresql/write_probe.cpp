#include "driver/postgresql/write_probe.h"

#include "driver/postgresql/connection.h"

namespace swb::driver::postgresql {

Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) {
    Parameters parameters = {
        {"host", spec.address.host}, {"port", std::to_string(spec.address.port)},    {"dbname", spec.database},
        {"user", spec.user},         {"application_name", "swingbridge-write-test"}, {"connect_timeout", "2"}};
    if (!password.empty()) parameters.emplace_back("password", password.reveal());
    Connection connection = TRY(Connection::open(parameters, TRY(currentOsUser()), context.deadline));
    TRY_VOID(connection.query("BEGIN READ WRITE", context.deadline));
    TRY_VOID(connection.query("SELECT pg_current_xact_id()", context.deadline));
    TRY_VOID(connection.query("COMMIT", context.deadline));
    return {};
}

}  // namespace swb::driver::postgresql
