#include "driver/redis/fence.h"

#include "base/log.h"
#include "driver/redis/returned_data.h"
#include "driver/redis/settings.h"

namespace swb::driver::redis {

namespace {

constexpr const char* tenYearsMs = "315360000000";
constexpr const char* noPing = "2147483647";  // seconds between PINGs
constexpr const char* moreReplicasThanThereAre = "2147483647";

Result<void> checkNoHandOver(const ServerState& state) {
    if (state.failover == "no-failover") return {};
    return fail(ErrorCode::InUse, "a FAILOVER that somebody began is in the server: " + state.failover,
                "Let it end, or end it with FAILOVER ABORT, and look at the roles of both servers.");
}

// A script that runs for long makes the server answer BUSY: the hold waits for its end, within the deadline.
Result<std::vector<Reply>> callWhenFree(Connection& connection, const std::vector<Command>& commands,
                                        const Context& context) {
    for (;;) {
        auto replies = TRY(connection.callAll(commands, context.deadline));
        bool busy = false;
        for (const auto& reply : replies) {
            if (!reply.isError()) continue;
            if (reply.errorName() != "BUSY") return serverError(reply);
            busy = true;
        }
        if (!busy) return replies;
        constexpr int64_t lookMs = 20;
        if (context.remainingMs() < lookMs || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded, "a script has been running in the server for too long",
                        "SCRIPT KILL or FUNCTION KILL ends one that has not written yet.");
        pause(lookMs);
    }
}

std::string_view nameOf(RoleFile::Start start) {
    return start == RoleFile::Start::alone ? "alone" : start == RoleFile::Start::held ? "held" : "unsaid";
}

// The two reads are commands of their own, one round trip apart, after the pause was answered.
Result<Position> stablePosition(Connection& connection, const Context& context) {
    Position last = TRY(readState(connection, context.deadline)).position;
    for (;;) {
        Position now = TRY(readState(connection, context.deadline)).position;
        if (now == last) return now;
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(
                ErrorCode::VerificationFailed,
                "the server's offset goes on although writes are paused: " + last.text() + ", then " + now.text(),
                "Somebody lifted the pause, or a module writes. Find it before the next attempt.");
        last = std::move(now);
        pause(pollMs);
    }
}

// The token of an earlier fence of the same epoch, when it still holds.
std::optional<Token> standingToken(const Instance& instance, int64_t epoch) {
    const Json record = instance.record(fenceRecord);
    const Json* proof = memberAt(record, "token");
    if (!proof || !proof->is_object() || integerAt(record, "epoch") != epoch) return std::nullopt;
    return Token{instance.spec().name, *proof};
}

}  // namespace

Result<void> holdWrites(const Instance& instance, Connection& connection, int64_t epoch, const Context& context) {
    RoleFile role = instance.role();
    if (instance.record(fenceRecord).is_null())
        TRY_VOID(instance.writeRecord(fenceRecord, JsonObject{{"epoch", epoch}, {"start", nameOf(role.start())}}));
    if (role.start() != RoleFile::Start::held) {
        if (!role.get(momentarySettings[0])) TRY_VOID(keepMomentarySettings(connection, role, context));
        role.startHeld();
        TRY_VOID(instance.writeRole(role));
    }
    std::vector<Command> commands = {{"CONFIG", "SET", "repl-ping-replica-period", noPing},
                                     {"CLIENT", "PAUSE", tenYearsMs, "WRITE"}};
    // A lag of 0 would switch the rule off.
    if (role.get("min-replicas-max-lag") == "0") commands.push_back({"CONFIG", "SET", "min-replicas-max-lag", "10"});
    commands.push_back({"CONFIG", "SET", "min-replicas-to-write", moreReplicasThanThereAre});
    TRY_VOID(context.beforeClosing());
    auto held = callWhenFree(connection, commands, context);
    if (!held) return fail(held.error());
    return {};
}

Result<void> releaseWrites(const Instance& instance, Connection& connection, const Context& context) {
    std::vector<Command> commands;
    for (const auto& [name, value] : lastingValues(instance.role())) commands.push_back({"CONFIG", "SET", name, value});
    // Last: clients that waited are executed now and must not meet the refusal.
    commands.push_back({"CLIENT", "UNPAUSE"});
    for (const auto& reply : TRY(connection.callAll(commands, context.deadline)))
        if (reply.isError()) return serverError(reply);
    return {};
}

Result<bool> writesAreHeld(Connection& connection, const Context& context) {
    return TRY(settingOf(connection, "min-replicas-to-write", context)) == moreReplicasThanThereAre;
}

Result<void> checkAcceptsWrites(const Instance& instance, Connection& connection, const Context& context) {
    const auto replies = TRY(connection.callAll({{"DEL", "swingbridge:nothing"}}, context.deadline));
    if (!replies[0].isError()) return {};
    if (replies[0].errorName() == "NOREPLICAS" && instance.role().get("min-replicas-to-write").value_or("0") != "0")
        return {};
    return fail(ErrorCode::VerificationFailed, "the server does not accept writes: " + replies[0].text);
}

Result<Token> fence(const Instance& instance, int64_t epoch, const Context& context) {
    const auto standing = standingToken(instance, epoch);
    const bool held = instance.role().start() == RoleFile::Start::held;
    auto session = instance.session(context);
    // Down, or restarted since: the role file keeps it from writing, and the token was its end.
    if (!session && standing && held) return *standing;
    if (!session) return fail(session.error());
    const auto seen = TRY(callWhenFree(**session, {{"INFO", "replication"}}, context));
    const ServerState state = ServerState::of(Info::parse(seen[0].text));
    if (!state.primary && standing && held) return *standing;
    if (!state.primary)
        return fail(ErrorCode::GuardRefused, "the server is a replica: there is no primary to fence",
                    "Inspect the databases; the current application may be another one.");
    TRY_VOID(checkNoHandOver(state));
    TRY_VOID(holdWrites(instance, **session, epoch, context));
    const Position end = TRY(stablePosition(**session, context));
    if (standing && TRY(parseToken(*standing)) == end) return *standing;
    Token token = makeToken(instance.spec(), end, epoch, SystemClock().now());
    Json record = instance.record(fenceRecord);
    record.as_object()["epoch"] = epoch;
    record.as_object()["token"] = token.proof;
    TRY_VOID(instance.writeRecord(fenceRecord, record));
    return token;
}

namespace {

Result<void> checkMayUnfence(const Instance& instance) {
    if (!instance.record(rejoinRecord).is_null())
        return fail(ErrorCode::GuardRefused, "the server follows the other site already",
                    "After the point of no return the way back is another switch.");
    if (instance.role().start() == RoleFile::Start::following)
        return fail(ErrorCode::GuardRefused, "the server is a replica, not a fenced primary",
                    "Promote it by a switch, or with database promote.");
    return {};
}

// A hand-over that somebody began and that got stuck leaves no writable server, for as long as it takes.
Result<ServerState> withoutHandOver(Connection& connection, const Context& context) {
    ServerState state = TRY(readState(connection, context.deadline));
    if (state.failover == "no-failover") return state;
    logWarning("redis", "a FAILOVER is stuck ({}): it is aborted", state.failover);
    TRY(connection.call({"FAILOVER", "ABORT"}, context.deadline));
    return readState(connection, context.deadline);
}

}  // namespace

Result<void> unfence(const Instance& instance, const Context& context) {
    TRY_VOID(checkMayUnfence(instance));
    TRY_VOID(instance.service().unmask(context));
    auto session = TRY(instance.runningSession(context));
    const ServerState state = TRY(withoutHandOver(*session, context));
    const Json record = instance.record(fenceRecord);
    if (!state.primary) {
        // Restarted behind the fence, as a replica of nothing.
        if (instance.role().start() != RoleFile::Start::held)
            return fail(ErrorCode::GuardRefused, "the server is a replica, not a fenced primary",
                        "Promote it by a switch, or with database promote.");
        TRY_VOID(promoteHeld(instance, *session, context));
    }
    TRY_VOID(releaseWrites(instance, *session, context));
    TRY_VOID(checkAcceptsWrites(instance, *session, context));
    if (textAt(record, "start") == "alone" || textAt(record, "start") == "unsaid") {
        RoleFile role = instance.role();
        role.startAlone();
        TRY_VOID(instance.writeRole(role));
    }
    return instance.removeRecord(fenceRecord);
}

}  // namespace swb::driver::redis
