#include "driver/redis/rejoin.h"

#include "base/log.h"
#include "driver/redis/fence.h"
#include "driver/redis/following.h"
#include "driver/redis/snapshot.h"

namespace swb::driver::redis {

namespace {

// What the server's data is to the token.
enum class Relation {
    before,   // at the token, or behind it in the same history: it can only gain
    unknown,  // restarted behind the fence from files that name no place (an append-only file)
    beyond    // it has, or may have, writes of its own
};

Relation relationOf(const Instance& instance, const ServerState& state, const Position& token) {
    if (state.position.id == token.id && state.position.offset <= token.offset) return Relation::before;
    if (state.position.id == token.id) return Relation::beyond;
    // A restart makes a new history; behind a fence of ours the role file has kept it from being written to.
    const Json fenced = instance.record(fenceRecord);
    const Json* proof = memberAt(fenced, "token");
    const bool restartedBehindFence = !state.primary && instance.role().start() != RoleFile::Start::alone && proof &&
                                      textAt(*proof, "end") == token.text() && state.former.offset < 0;
    return restartedBehindFence ? Relation::unknown : Relation::beyond;
}

tl::unexpected<Error> refuseDiverged(const ServerState& state, const Position& token, const std::string& saved) {
    return fail(ErrorCode::IdentityMismatch,
                "this server did not end at the token " + token.text() + ": it is a " +
                    (state.primary ? "primary" : "replica") + " at " + state.position.text() +
                    ". A snapshot of what it holds was put aside as " + saved,
                "It may hold writes that the other site lacks. Look at the snapshot, then resync.");
}

bool begunBefore(const Instance& instance, const Position& token) {
    return textAt(instance.record(rejoinRecord), "end") == token.text();
}

// Clients of the former primary would get READONLY from now on; and the ones that wait behind the pause must go before
// it ends.
Result<void> closeClients(const Instance& instance, Connection& connection, const Context& context) {
    TRY(connection.call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}, context.deadline));
    return releaseWrites(instance, connection, context);
}

}  // namespace

Result<Json> rejoin(const Instance& instance, const Peer& peer, std::string_view slot, const Position& token,
                    const Context& context) {
    const double start = preciseMs();
    const HostPort primary{peer.host, peer.port};
    auto session = TRY(instance.runningSession(context));
    const ServerState before = TRY(readState(*session, context.deadline));
    const bool follows = !before.primary && before.follows == primary && begunBefore(instance, token);
    const bool finished =
        !before.primary && before.follows == primary && before.linkUp && instance.record(fenceRecord).is_null();
    std::string saved;
    if (!follows && !finished) {
        const Relation relation = relationOf(instance, before, token);
        if (relation != Relation::before)
            saved = TRY(saveAside(instance, *session, relation == Relation::beyond ? "diverged" : "rejoin", context));
        if (relation == Relation::beyond) return refuseDiverged(before, token, saved);
        TRY_VOID(instance.writeRecord(rejoinRecord, JsonObject{{"end", token.text()}, {"saved", saved}}));
        RoleFile role = instance.role();
        TRY_VOID(configureFollowing(instance, *session, role, context));
        role.startFollowing(primary);
        TRY_VOID(instance.writeRole(role));
        TRY(session->call({"REPLICAOF", primary.host, std::to_string(primary.port)}, context.deadline));
    }
    TRY_VOID(rememberSlot(instance, slot));
    if (!finished) TRY_VOID(closeClients(instance, *session, context));
    const ServerState after = TRY(awaitFollowing(instance, *session, primary, token.offset, context));
    const bool partial = after.former == token;
    if (!partial && !finished)
        logWarning("redis", "{} took the whole data set of {}: its history could not be continued", instance.data(),
                   primary.text());
    const Json record = instance.record(rejoinRecord);
    JsonObject result{{"streamingAfterMs", preciseMs() - start},
                      {"rewound", false},
                      {"droppedSlots", JsonArray{}},
                      {"fullSync", !partial}};
    if (const std::string kept = textAt(record, "saved"); !kept.empty()) result["saved"] = kept;
    TRY_VOID(instance.removeRecord(fenceRecord));
    TRY_VOID(instance.removeRecord(rejoinRecord));
    return result;
}

}  // namespace swb::driver::redis
