#include "driver/mariadb/server_state.h"

#include <fmt/format.h>

#include <cstdlib>

namespace swb::driver::mariadb {

namespace {

std::string quick(const Dialect& dialect) {
    return fmt::format("SELECT {} AS closed, {} AS written, {} AS applied, @@GLOBAL.server_id AS server, {} AS uuid",
                       dialect.writesAreClosed(), dialect.writtenPosition(), dialect.appliedPosition(),
                       dialect.engine() == Engine::mysql ? "@@GLOBAL.server_uuid" : "NULL");
}

constexpr const char* originQuery = "SELECT id, events FROM swingbridge.origin WHERE single = 1";

// Names and values of ours only: the schema is the same at every site.
constexpr const char* schemaStatements[] = {
    "CREATE DATABASE IF NOT EXISTS swingbridge",
    "CREATE TABLE IF NOT EXISTS swingbridge.origin (single TINYINT NOT NULL PRIMARY KEY, id CHAR(36) NOT NULL, events "
    "TINYINT NOT NULL DEFAULT 0, proved BIGINT NOT NULL DEFAULT 0) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS swingbridge.promotion (number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, ended TEXT "
    "NOT NULL, epoch BIGINT NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS swingbridge.write_test (writer VARCHAR(190) NOT NULL PRIMARY KEY, number BIGINT NOT "
    "NULL) "
    "ENGINE = InnoDB",
    "INSERT IGNORE INTO swingbridge.origin (single, id) VALUES (1, UUID())",
};

}  // namespace

bool ServerState::receiving(const Dialect& dialect) const {
    return replica && status.at(dialect.columns().receiver) == "Yes";
}

bool ServerState::applying(const Dialect& dialect) const {
    return replica && status.at(dialect.columns().applier) == "Yes";
}

bool isMissingTable(const Connection& connection) {
    constexpr unsigned noSuchTable = 1146, unknownDatabase = 1049, tableAccessDenied = 1142;
    const unsigned number = connection.lastErrorNumber();
    return number == noSuchTable || number == unknownDatabase || number == tableAccessDenied;
}

Result<ServerState> readState(const Instance& instance, Connection& connection, const Context& context) {
    const Dialect& dialect = instance.dialect();
    ServerState state;
    const Rows replica = TRY(connection.query(std::string(dialect.showReplica()), context.deadline));
    if (replica.size() > 1)
        return fail(ErrorCode::Unsupported, "the server replicates from several sources",
                    "Swingbridge moves databases that have one source.");
    state.replica = !replica.empty() && !replica.front().at(dialect.columns().host).empty();
    if (state.replica) state.status = replica.front();
    const Rows rows = TRY(connection.query(quick(dialect), context.deadline));
    if (rows.empty()) return fail(ErrorCode::DatabaseFailed, "the server does not tell its state");
    const Row& row = rows.front();
    state.writesClosed = row.at("closed") == "1";
    state.written = row.at("written");
    state.applied = row.at("applied");
    state.serverId = std::atoll(row.at("server").c_str());
    state.serverUuid = row.at("uuid");
    state.position = TRY(dialect.joined(state.written, state.applied));
    const auto origin = connection.query(originQuery, context.deadline);
    if (!origin && !isMissingTable(connection)) return fail(origin.error());
    if (origin && !origin->empty()) {
        state.identity = origin->front().at("id");
        state.runsEvents = origin->front().at("events") == "1";
    }
    return state;
}

Result<PeerState> readPeer(const Dialect& dialect, Connection& connection, MonotonicMs deadline) {
    const Rows rows = TRY(
        connection.query(fmt::format("SELECT {} AS written, {} AS applied, {} AS surplus, @@GLOBAL.server_id AS server",
                                     dialect.writtenPosition(), dialect.appliedPosition(), dialect.surplusExpression()),
                         deadline));
    if (rows.empty()) return fail(ErrorCode::ProtocolViolation, "the peer does not tell its position");
    PeerState peer;
    peer.position = TRY(dialect.joined(rows.front().at("written"), rows.front().at("applied")));
    peer.surplus = rows.front().at("surplus");
    peer.serverId = std::atoll(rows.front().at("server").c_str());
    const auto origin = connection.query(originQuery, deadline);
    if (!origin && !isMissingTable(connection)) return fail(origin.error());
    if (origin && !origin->empty()) peer.identity = origin->front().at("id");
    return peer;
}

Result<std::vector<std::string>> surplusOver(const Dialect& dialect, std::string_view own, Connection& peer,
                                             MonotonicMs deadline) {
    constexpr int looksMax = 10;
    constexpr int64_t pauseMs = 20;
    for (int look = 1;; ++look) {
        const PeerState there = TRY(readPeer(dialect, peer, deadline));
        auto extra = TRY(dialect.surplus(own, there.surplus));
        if (extra.empty() || dialect.engine() != Engine::mysql || look == looksMax) return extra;
        pause(pauseMs);
    }
}

Result<std::string> lastPromotion(Connection& connection, const Context& context) {
    auto last =
        connection.value("SELECT ended FROM swingbridge.promotion ORDER BY number DESC LIMIT 1", context.deadline);
    if (!last && isMissingTable(connection)) return std::string();
    return last;
}

Result<void> writePromotion(Connection& connection, std::string_view end, int64_t epoch, const Context& context) {
    return connection.execute(
        fmt::format("INSERT INTO swingbridge.promotion (ended, epoch) VALUES ({}, {})", connection.literal(end), epoch),
        context.deadline);
}

Result<void> proveWritable(Connection& connection, const Context& context) {
    return connection.execute("UPDATE swingbridge.origin SET proved = proved + 1 WHERE single = 1", context.deadline);
}

Result<void> makeOwnSchema(Connection& connection, const Context& context) {
    for (const char* statement : schemaStatements) TRY_VOID(connection.execute(statement, context.deadline));
    return {};
}

Result<void> openPrimary(const Instance& instance, Connection& connection, const Context& context) {
    TRY_VOID(connection.execute(std::string(instance.dialect().openWrites()), context.deadline));
    const auto events = connection.value("SELECT events FROM swingbridge.origin WHERE single = 1", context.deadline);
    // A server whose scheduler is disabled for good refuses; that was so before.
    if (events && *events == "1") (void)connection.execute("SET GLOBAL event_scheduler = ON", context.deadline);
    return {};
}

}  // namespace swb::driver::mariadb
