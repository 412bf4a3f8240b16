// Fencing a primary that runs on: nobody's write is executed from one moment on, and the token says where its history
// ends.
//
//     role file: held, as that of every primary with a replica ─▶ record ─▶ CLIENT PAUSE WRITE, for years
//         ─▶ min-replicas-to-write: more than there can be ─▶ offset read until it stands still = token
//
// Why this is a fence. The server executes one command at a time: when it answers CLIENT PAUSE, every command before it
// has been executed and stands in the replication stream, and every later one that writes or may replicate (scripts,
// functions, EXEC with writes, PUBLISH, WAIT's requests to replicas) waits, of old, new and blocked clients alike,
// administrators too. Expiry and eviction rest during a pause, so the server itself writes nothing either; its PINGs to
// replicas, which would move the offset, are put off by repl-ping-replica-period. A pause could be lifted by any
// administrator's CLIENT UNPAUSE, so writes are also refused for want of replicas, which no one lifts by accident. Both
// are gone after a restart, and then the role file makes the server a read-only replica of nothing.
//
// What it costs is two round trips on a unix socket. A stop, as PostgreSQL's fence, would cost the reload of the data,
// and REPLICAOF would cut the stream that the replica still needs.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/server_state.h"
#include "driver/redis/token.h"

namespace swb::driver::redis {

constexpr const char* fenceRecord = "fence";    // {epoch, start, token}: writes are held, or about to be
constexpr const char* rejoinRecord = "rejoin";  // {end}: it follows the other site, or is about to

Result<Token> fence(const Instance& instance, int64_t epoch, const Context& context);
// Ends with a primary that accepts writes. Refused for a replica, and when a rejoin has begun.
Result<void> unfence(const Instance& instance, const Context& context);

// Both halves of the hold, and the way back. holdWrites() makes the record; idempotent.
Result<void> holdWrites(const Instance& instance, Connection& connection, int64_t epoch, const Context& context);
Result<void> releaseWrites(const Instance& instance, Connection& connection, const Context& context);
Result<bool> writesAreHeld(Connection& connection, const Context& context);

// A write that changes nothing was executed. A server that lacks the replicas its administrator wants counts: that is
// its administrator's rule.
Result<void> checkAcceptsWrites(const Instance& instance, Connection& connection, const Context& context);

}  // namespace swb::driver::redis
