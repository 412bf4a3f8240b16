#include "driver/redis/following.h"

#include "driver/redis/credentials.h"

namespace swb::driver::redis {

namespace {

constexpr const char* followingRecord = "following";

}  // namespace

Result<void> configureFollowing(const Instance& instance, Connection& connection, RoleFile& role,
                                const Context& context) {
    const HostPort& here = instance.spec().replicationAddress();
    // The source lists replicas by what they announce, and its own tools compare that literally.
    const Settings wanted = {{"masteruser", std::string(replicationUser)},
                             {"masterauth", TRY(replicationPassword(instance)).reveal()},
                             {"tls-replication", "yes"},
                             {"replica-announce-ip", here.host},
                             {"replica-announce-port", std::to_string(here.port)},
                             {"replica-read-only", "yes"}};
    Settings changes;
    for (const auto& [name, value] : wanted) {
        role.set(name, value);
        if (TRY(settingOf(connection, name, context)) != value) changes.emplace_back(name, value);
    }
    return changeSettings(connection, changes, context);
}

Result<void> rememberSlot(const Instance& instance, std::string_view slot) {
    return instance.writeRecord(followingRecord, JsonObject{{"slot", slot}});
}

std::string rememberedSlot(const Instance& instance) {
    return textAt(instance.record(followingRecord), "slot");
}

Result<ServerState> awaitFollowing(const Instance& instance, Connection& connection, const HostPort& primary,
                                   int64_t offset, const Context& context) {
    for (;;) {
        ServerState state = TRY(readState(connection, context.deadline));
        if (!state.primary && state.follows == primary && state.linkUp && state.position.offset >= offset) return state;
        if (state.copying)
            context.progress(state.copiedBytes, std::max<int64_t>(state.copyBytes, 0), "copying the primary's data");
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded,
                        "the replica in " + instance.data() + " does not stream from " + primary.text() + " (it is " +
                            (state.primary   ? "a primary"
                             : state.copying ? "copying"
                             : state.linkUp  ? "behind"
                                             : "not linked") +
                            ", at " + state.position.text() + ")",
                        "See the server's log; test-source shows whether the peer can be reached.");
        constexpr int64_t lookMs = 2;
        pause(lookMs);
    }
}

}  // namespace swb::driver::redis
