#include "driver/redis/snapshot.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "driver/redis/settings.h"
#include "driver/support/files.h"

namespace swb::driver::redis {

namespace {

Result<int64_t> serverSeconds(Connection& connection, const Context& context) {
    const Reply time = TRY(connection.call({"TIME"}, context.deadline));
    return time.list.empty() ? 0 : std::atoll(time.list[0].text.c_str());
}

Result<void> saveNow(Connection& connection, const Context& context) {
    const int64_t begin = TRY(serverSeconds(connection, context));
    // SCHEDULE: behind a rewrite of the append-only file that is under way.
    const auto asked = TRY(connection.callAll({{"BGSAVE", "SCHEDULE"}}, context.deadline));
    if (asked[0].isError() && asked[0].text.find("already in progress") == std::string::npos)
        return serverError(asked[0]);
    for (;;) {
        const Info info = TRY(connection.info("persistence", context.deadline));
        if (info.integer("rdb_bgsave_in_progress") == 0) {
            if (info.text("rdb_last_bgsave_status") != "ok")
                return fail(ErrorCode::StorageFailed, "the server could not write a snapshot",
                            "See its log; is its disk full?");
            if (info.integer("rdb_last_save_time") >= begin) return {};
        }
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded, "the server's snapshot is not finished");
        pause(10);
    }
}

}  // namespace

Result<std::string> saveAside(const Instance& instance, Connection& connection, std::string_view label,
                              const Context& context) {
    TRY_VOID(saveNow(connection, context));
    const std::string directory = TRY(settingOf(connection, "dir", context));
    const std::string from = directory + "/" + TRY(settingOf(connection, "dbfilename", context));
    const std::string to =
        directory + "/swingbridge-" + std::string(label) + "-" + std::to_string(SystemClock().now()) + ".rdb";
    {
        const ActAs acting(instance.user());
        if (::link(from.c_str(), to.c_str()) != 0)
            return fail(ErrorCode::StorageFailed, to + " cannot be made: " + std::strerror(errno));
    }
    TRY_VOID(flushDirectory(directory));
    return to;
}

Result<void> removeAside(const Instance& instance, const std::string& path) {
    const ActAs acting(instance.user());
    return removeFile(path);
}

}  // namespace swb::driver::redis
