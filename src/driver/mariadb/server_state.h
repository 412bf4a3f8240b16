// What a server is at this moment, read before every act: replica or not, open for writes or not, how far its history
// goes, and whose history it is.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

struct ServerState {
    bool replica = false;  // it has a source configured, running or not
    Row status;            // of the replica, by the dialect's columns
    bool writesClosed = false;
    std::string written, applied;
    std::string position;     // both joined: the end of what this server has
    std::string identity;     // swingbridge.origin; empty: it was never prepared, nor copied from one that was
    bool runsEvents = false;  // as its primary had it: swingbridge.origin
    int64_t serverId = 0;
    std::string serverUuid;  // MySQL's: its own transactions carry it

    bool receiving(const Dialect& dialect) const;  // the receiver is connected
    bool applying(const Dialect& dialect) const;
};

Result<ServerState> readState(const Instance& instance, Connection& connection, const Context& context);

// Another server of the same history, over its replication user.
struct PeerState {
    std::string identity, position, surplus;
    int64_t serverId = 0;
};
Result<PeerState> readPeer(const Dialect& dialect, Connection& connection, MonotonicMs deadline);

// What `own`, read before, has and the peer lacks. A MySQL source sends a transaction a moment before its own set shows
// it: what it lacks is looked at again before it is believed.
Result<std::vector<std::string>> surplusOver(const Dialect& dialect, std::string_view own, Connection& peer,
                                             MonotonicMs deadline);

// The value of the last promotion's token that this server has seen, its own or replicated; empty: none.
Result<std::string> lastPromotion(Connection& connection, const Context& context);
// Makes the proof of a promotion: a committed row, the first of the new epoch.
Result<void> writePromotion(Connection& connection, std::string_view end, int64_t epoch, const Context& context);
// One committed write that changes nothing: the server takes them.
Result<void> proveWritable(Connection& connection, const Context& context);

// Our schema on a primary, made once: the identity, promotions, and the table of the write test.
Result<void> makeOwnSchema(Connection& connection, const Context& context);

// Open for writes, as the primary it is; the events run when its predecessor's did.
Result<void> openPrimary(const Instance& instance, Connection& connection, const Context& context);

// The error numbers of a server that say "there is no such table, or schema".
bool isMissingTable(const Connection& connection);

}  // namespace swb::driver::mariadb
