#include "driver/redis/server_state.h"

#include <charconv>

namespace swb::driver::redis {

std::optional<Position> parsePosition(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos || !isReplicationId(text.substr(0, colon))) return std::nullopt;
    Position position{std::string(text.substr(0, colon)), -1};
    const std::string_view number = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), position.offset);
    if (error != std::errc() || end != number.data() + number.size() || position.offset < 0) return std::nullopt;
    return position;
}

ServerState ServerState::of(const Info& info) {
    ServerState state;
    state.primary = info.text("role") == "master";
    state.failover = info.text("master_failover_state", "no-failover");
    state.position = {info.text("master_replid"), info.integer("master_repl_offset", -1)};
    const int64_t second = info.integer("second_repl_offset", -1);
    // The engine names the first offset of its own history; one before it is the last of the former.
    if (second > 0) state.former = {info.text("master_replid2"), second - 1};
    if (state.primary) return state;
    // While a copy is loaded the two differ; the replica has only what it has applied.
    const int64_t applied = info.integer("slave_repl_offset", -1);
    state.receivedOffset = info.integer("slave_read_repl_offset", applied);
    if (applied >= 0 && applied < state.position.offset) state.position.offset = applied;
    const int64_t port = info.integer("master_port");
    state.follows = {info.text("master_host"), static_cast<uint16_t>(port > 0 && port <= UINT16_MAX ? port : 0)};
    state.copying = info.integer("master_sync_in_progress") != 0;
    state.linkUp = info.text("master_link_status") == "up" && !state.copying;
    state.copiedBytes = info.integer("master_sync_read_bytes");
    state.copyBytes = info.integer("master_sync_total_bytes");
    state.silentSeconds = info.integer("master_last_io_seconds_ago", -1);
    return state;
}

Result<ServerState> readState(Connection& connection, MonotonicMs deadline) {
    return ServerState::of(TRY(connection.info("replication", deadline)));
}

}  // namespace swb::driver::redis
