#include "driver/redis/returned_data.h"

#include "base/log.h"
#include "driver/redis/continuation.h"
#include "driver/redis/fence.h"

namespace swb::driver::redis {

namespace {

constexpr const char* dataRecord = "data";  // {end: POSITION, keys}

// The farthest place that is known: the token of a fence is newer than the last look.
std::optional<Position> knownEnd(const Instance& instance) {
    const auto seen = parsePosition(textAt(instance.record(dataRecord), "end"));
    const Json fenced = instance.record(fenceRecord);
    const Json* token = memberAt(fenced, "token");
    const auto end = token ? parsePosition(textAt(*token, "end")) : std::nullopt;
    return end ? end : seen;
}

}  // namespace

Result<void> rememberData(const Instance& instance, const Info& info) {
    const ServerState state = ServerState::of(info);
    if (!state.primary || info.integer("loading") != 0) return {};
    if (info.integer("repl_backlog_active") == 0) return instance.removeRecord(dataRecord);
    return instance.writeRecord(dataRecord, JsonObject{{"end", state.position.text()}, {"keys", info.keys()}});
}

Result<void> rememberData(const Instance& instance, Connection& connection, const Context& context) {
    return rememberData(instance, TRY(connection.info("default", context.deadline)));
}

Result<void> checkDataCameBack(const Instance& instance, Connection& connection, const Context& context) {
    const auto known = knownEnd(instance);
    if (!known) return {};
    const Info info = TRY(connection.info("default", context.deadline));
    const Position now = ServerState::of(info).position;
    if (now.id == known->id && now.offset >= known->offset) return {};
    const int64_t keysBefore = integerAt(instance.record(dataRecord), "keys");
    const bool appendOnly = info.integer("aof_enabled") != 0;
    if (appendOnly && now.id != known->id && (info.keys() > 0 || keysBefore == 0)) return {};
    return fail(ErrorCode::ReplicaNotReady,
                "the server came back with " + std::to_string(info.keys()) + " keys at " + now.text() + ", and had " +
                    std::to_string(keysBefore) + " at " + known->text() +
                    ": it stays read-only, so that its replica does not copy the loss",
                "The replica has the data: fail over to it. Or accept what is here: `swing database promote` with "
                "--accept-data-loss.");
}

Result<void> promoteHeld(const Instance& instance, Connection& connection, const Context& context) {
    TRY_VOID(checkDataCameBack(instance, connection, context));
    const ServerState state = TRY(readState(connection, context.deadline));
    const auto known = knownEnd(instance);
    if (known && known->id == state.position.id) {
        const auto continued = promoteWithHistory(instance, connection, state.position, context);
        if (!continued)
            logWarning("redis", "{} could not continue its history, its replicas will copy everything: {}",
                       instance.data(), describe(continued.error()));
    }
    TRY(connection.call({"REPLICAOF", "NO", "ONE"}, context.deadline));
    if (!TRY(readState(connection, context.deadline)).primary)
        return fail(ErrorCode::VerificationFailed, "the server stays a replica after REPLICAOF NO ONE");
    return rememberData(instance, connection, context);
}

}  // namespace swb::driver::redis
