#include "driver/redis/seed.h"

#include "base/fault.h"
#include "driver/redis/fence.h"
#include "driver/redis/following.h"
#include "driver/redis/promotion.h"
#include "driver/redis/snapshot.h"
#include "driver/redis/source.h"
#include "driver/redis/tls.h"
#include "driver/support/files.h"

namespace swb::driver::redis {

namespace {

constexpr const char* seedRecord = "seed";  // {host, port, saved, keep}

bool recordFits(const Json& record, const HostPort& primary) {
    return textAt(record, "host") == primary.host && integerAt(record, "port") == primary.port;
}

Result<void> checkPeer(const Instance& instance, const Peer& peer, const Context& context) {
    constexpr int64_t peerMs = 10'000;
    // A replica is as good: what it passes on is its primary's history, of the same id and offsets.
    TRY(testSource(instance, peer, withDeadline(context, within(context, peerMs))));
    return {};
}

// What is there before the copy; null when there is nothing.
Result<Json> putAside(const Instance& instance, Connection& connection, const ServerState& state,
                      const HostPort& primary, const Context& context) {
    JsonObject record{{"host", primary.host}, {"port", primary.port}, {"saved", ""}, {"keep", false}};
    const Info info = TRY(connection.info("keyspace", context.deadline));
    if (info.keys() > 0) {
        context.progress(0, 0, "putting the old data aside");
        record["saved"] = TRY(saveAside(instance, connection, "before-seed", context));
        // Of a replica it is a copy of what the primary has.
        record["keep"] = state.primary || instance.role().start() == RoleFile::Start::held;
    }
    TRY_VOID(instance.writeRecord(seedRecord, record));
    faultPoint("seed", instance.spec().name, "aside");
    return Json(record);
}

Result<void> beginCopy(const Instance& instance, Connection& connection, const HostPort& primary,
                       const Context& context) {
    RoleFile role = instance.role();
    TRY_VOID(openTlsPort(instance, connection, role, context));
    TRY_VOID(configureFollowing(instance, connection, role, context));
    const bool held = TRY(writesAreHeld(connection, context));
    if (!role.get(momentarySettings[0]) && !held) TRY_VOID(keepMomentarySettings(connection, role, context));
    role.startFollowing(primary);
    TRY_VOID(instance.writeRole(role));
    TRY(connection.call({"REPLICAOF", primary.host, std::to_string(primary.port)}, context.deadline));
    TRY(connection.call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}, context.deadline));
    TRY_VOID(releaseWrites(instance, connection, context));
    for (const char* record : {fenceRecord, rejoinRecord, relaxedRecord}) TRY_VOID(instance.removeRecord(record));
    faultPoint("seed", instance.spec().name, "begun");
    return {};
}

}  // namespace

Result<Json> seed(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context) {
    const double start = preciseMs();
    const HostPort primary{peer.host, peer.port};
    TRY_VOID(instance.service().unmask(context));
    auto session = TRY(instance.runningSession(context));
    const ServerState before = TRY(readState(*session, context.deadline));
    Json record = instance.record(seedRecord);
    TRY_VOID(rememberSlot(instance, slot));
    const bool underWay = recordFits(record, primary) && !before.primary && before.follows == primary;
    if (!underWay) {
        TRY_VOID(checkPeer(instance, peer, context));
        if (!recordFits(record, primary)) record = TRY(putAside(instance, *session, before, primary, context));
        TRY_VOID(beginCopy(instance, *session, primary, context));
    }
    const ServerState after = TRY(awaitFollowing(instance, *session, primary, 0, context));
    const Info info = TRY(session->info("memory", context.deadline));
    JsonObject result{{"bytes", info.integer("used_memory_dataset")},
                      {"seconds", (preciseMs() - start) / 1000},
                      {"systemId", after.position.id},
                      {"position", after.position.text()}};
    const std::string saved = textAt(record, "saved");
    if (booleanAt(record, "keep"))
        result["saved"] = saved;
    else if (!saved.empty())
        TRY_VOID(removeAside(instance, saved));
    TRY_VOID(instance.noteSeeded());
    TRY_VOID(instance.removeRecord(seedRecord));
    return result;
}

}  // namespace swb::driver::redis
