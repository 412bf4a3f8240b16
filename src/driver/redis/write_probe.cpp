#include "driver/redis/write_probe.h"

#include <algorithm>

#include "driver/redis/connection.h"

namespace swb::driver::redis {

Result<void> writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) {
    Connection connection =
        TRY(Connection::open({{}, spec.address.host, spec.address.port, std::nullopt}, context.deadline));
    if (!password.empty()) TRY_VOID(connection.logIn(spec.user, password, context.deadline));
    const bool numbered = !spec.database.empty() && std::all_of(spec.database.begin(), spec.database.end(),
                                                                [](char c) { return c >= '0' && c <= '9'; });
    std::vector<Command> commands;
    if (numbered) commands.push_back({"SELECT", spec.database});
    const std::string key = "swingbridge:write-test";
    const Command transaction[] = {{"MULTI"}, {"SET", key, "1", "PX", "10000"}, {"DEL", key}, {"EXEC"}};
    commands.insert(commands.end(), std::begin(transaction), std::end(transaction));
    for (const auto& reply : TRY(connection.callAll(commands, context.deadline))) {
        if (!reply.isError()) continue;
        if (reply.errorName() == "NOPERM")
            return fail(ErrorCode::DatabaseFailed, "the application's user may not write the test's key: " + reply.text,
                        "Permit it keys of the pattern swingbridge:* (ACL SETUSER " +
                            (spec.user.empty() ? "default" : spec.user) + " ~swingbridge:*).");
        return serverError(reply);
    }
    return {};
}

}  // namespace swb::driver::redis
