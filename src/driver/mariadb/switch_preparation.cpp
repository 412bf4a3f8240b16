#include "driver/mariadb/switch_preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "driver/mariadb/accounts.h"
#include "driver/mariadb/rejoin.h"
#include "driver/mariadb/server_state.h"

namespace swb::driver::mariadb {

namespace {

tl::unexpected<Error> notFit(std::string message, std::string hint) {
    return fail(ErrorCode::ReplicaNotReady, std::move(message), std::move(hint));
}

Result<void> checkReplicaFit(const Dialect& dialect, const ServerState& state) {
    const ReplicaColumns& columns = dialect.columns();
    if (!state.replica) return notFit("the server is not a replica", "Enable replication between the applications.");
    if (!state.applying(dialect))
        return notFit("the replica does not apply what it receives: " + state.status.at(columns.applierError),
                      "Start its SQL thread, or resync it.");
    if (!state.receiving(dialect))
        return notFit("the replica does not stream from the primary: " + state.status.at(columns.receiverError),
                      "See the server's log and the link between the sites.");
    const std::string& delay = state.status.at(columns.delaySeconds);
    if (!delay.empty() && delay != "0") return notFit("the replica delays by " + delay + " s", "Set its delay to 0.");
    return {};
}

// own: the replica's, read before the peer's: what came later from there is not missing there.
Result<void> checkSameHistory(const Dialect& dialect, const ServerState& state, const std::string& own,
                              const PeerState& peer, Connection& source, MonotonicMs deadline) {
    if (state.identity != peer.identity || state.identity.empty())
        return fail(ErrorCode::IdentityMismatch,
                    "the replica is a copy of database " + state.identity + ", the primary is " + peer.identity);
    TRY_VOID(checkServerIds(state.serverId, peer.serverId));
    const auto extra = TRY(surplusOver(dialect, own, source, deadline));
    if (extra.empty()) return {};
    return fail(ErrorCode::IdentityMismatch,
                fmt::format("the replica has transactions that the primary lacks: {}", fmt::join(extra, ", ")),
                "Somebody wrote to the replica. Save what matters, then resync it.");
}

// The replica passes a position that the primary had just now: it moves, and how fast is seen.
Result<void> awaitSnapshot(const Dialect& dialect, Connection& connection, const PeerState& peer,
                           const Context& context) {
    constexpr int64_t sliceMs = 200;
    for (;;) {
        if (TRY(connection.value(dialect.awaitPosition(peer.position, sliceMs), context.deadline)) == "0") return {};
        if (context.remainingMs() < sliceMs || context.cancelled())
            return notFit("the replica does not reach the primary's position " + peer.position + " of a moment ago",
                          "Wait until it has caught up, or raise the limit.");
    }
}

}  // namespace

Result<int64_t> bytesBehind(const Instance& instance, Connection& source, const Row& status, MonotonicMs deadline) {
    const ReplicaColumns& columns = instance.dialect().columns();
    const std::string& file = status.at(columns.appliedFile);
    const int64_t applied = std::atoll(status.at(columns.appliedPosition).c_str());
    const Rows logs = TRY(source.query("SHOW BINARY LOGS", deadline));
    int64_t bytes = -1;
    for (const auto& log : logs) {
        const int64_t size = std::atoll(log.at("File_size").c_str());
        if (log.at("Log_name") == file)
            bytes = std::max<int64_t>(0, size - applied);
        else if (bytes >= 0)
            bytes += size;
    }
    return bytes;
}

Result<void> prepareSwitchSource(const Instance& instance, const Context& context) {
    auto session = TRY(instance.session(context));
    const ServerState state = TRY(readState(instance, *session, context));
    if (state.replica) return fail(ErrorCode::GuardRefused, "the server is a replica, not the source of a switch");
    const Rows prepared = TRY(session->query("XA RECOVER", context.deadline));
    if (!prepared.empty())
        return fail(ErrorCode::PreparedTransactions, std::to_string(prepared.size()) + " XA transactions are prepared",
                    "Commit or roll them back (XA RECOVER shows them), then try again.");
    // A statement that writes for so long would keep the fence waiting, and writes with it.
    constexpr int longSeconds = 5;
    const Rows writing = TRY(session->query(
        fmt::format(
            "SELECT p.ID, p.USER, p.TIME FROM information_schema.PROCESSLIST p JOIN information_schema.INNODB_TRX t "
            "ON t.trx_mysql_thread_id = p.ID WHERE p.COMMAND = 'Query' AND p.TIME >= {} AND "
            "t.trx_rows_modified > 0 LIMIT 1",
            longSeconds),
        context.deadline));
    if (!writing.empty())
        return fail(ErrorCode::NotReady,
                    "a statement of " + writing.front().at("USER") + " has been writing for " +
                        writing.front().at("TIME") + " s (session " + writing.front().at("ID") + ")",
                    "Wait for it, or end it: the fence would wait for it, and writes with it.");
    return {};
}

Result<void> prepareSwitchReplica(const Instance& instance, const Peer& peer, int64_t lagBytesMax,
                                  const Context& context) {
    const Dialect& dialect = instance.dialect();
    auto session = TRY(instance.session(context));
    ServerState state = TRY(readState(instance, *session, context));
    TRY_VOID(checkReplicaFit(dialect, state));
    auto source = TRY(instance.peerConnection(peer, context.deadline));
    const std::string own = TRY(session->value("SELECT " + std::string(dialect.surplusExpression()), context.deadline));
    // What the source has at one moment must be here soon after it: bytes alone do not say how long they take to apply,
    // and inside the switch that time is write outage.
    for (;;) {
        constexpr double soonMs = 250;
        const PeerState snapshot = TRY(readPeer(dialect, source, context.deadline));
        TRY_VOID(checkSameHistory(dialect, state, own, snapshot, source, context.deadline));
        const double asked = preciseMs();
        TRY_VOID(awaitSnapshot(dialect, *session, snapshot, context));
        const double took = preciseMs() - asked;
        if (took <= soonMs) break;
        if (context.remainingMs() < static_cast<int64_t>(2 * took) || context.cancelled())
            return notFit(fmt::format("the replica needs {:.0f} ms to apply what the source has", took),
                          "Wait until there is less to do, or let it apply in parallel (slave_parallel_threads).");
    }
    constexpr int samplesNeeded = 3;
    constexpr int64_t sampleMs = 30;
    for (int good = 0; good < samplesNeeded;) {
        state = TRY(readState(instance, *session, context));
        TRY_VOID(checkReplicaFit(dialect, state));
        const int64_t lag = TRY(bytesBehind(instance, source, state.status, context.deadline));
        good = lag >= 0 && lag <= lagBytesMax ? good + 1 : 0;
        if (good == samplesNeeded) break;
        if (context.remainingMs() < sampleMs || context.cancelled())
            return notFit("the replica is " + std::to_string(lag) + " bytes behind",
                          "Wait until it has caught up, or raise the limit.");
        pause(sampleMs);
    }
    return {};
}

Result<void> endSwitch(const Instance& instance, const Context& context) {
    auto session = TRY(instance.session(context));
    const ServerState state = TRY(readState(instance, *session, context));
    if (state.replica || state.writesClosed) return {};
    const Rows events =
        TRY(session->query("SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS WHERE STATUS IN "
                           "('SLAVESIDE_DISABLED', 'REPLICA_SIDE_DISABLED')",
                           context.deadline));
    for (const auto& event : events) {
        const std::string& definer = event.at("DEFINER");
        const size_t at = definer.rfind('@');
        if (at == std::string::npos) continue;
        // Without its definer the event would become ours, and run with our rights.
        TRY_VOID(session->execute("ALTER DEFINER = " + session->literal(definer.substr(0, at)) + "@" +
                                      session->literal(definer.substr(at + 1)) + " EVENT " +
                                      identifier(event.at("EVENT_SCHEMA")) + "." + identifier(event.at("EVENT_NAME")) +
                                      " ENABLE",
                                  context.deadline));
    }
    return {};
}

}  // namespace swb::driver::mariadb
