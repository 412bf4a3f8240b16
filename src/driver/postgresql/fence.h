// Fencing a primary: a clean stop that nobody can undo by accident, and the token that says where its log ends.
//
//     running primary ─▶ standby.signal ─▶ SIGINT ─▶ pg_control "shut down" ─▶ end of the shutdown checkpoint = token
//                              │ (meanwhile) masked, flushed
//
// A logical fence (read-only, closed databases, terminated sessions) leaks; only a server that is down is fenced. From
// the moment standby.signal is there, whoever starts the server gets a standby. unfence() is the way back, and is open
// until rejoin() has begun.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/postgresql/token.h"

namespace swb::driver::postgresql {

Result<Token> fence(const Instance& instance, int64_t epoch, const Context& context);
// Ends with a primary that accepts writes.
Result<void> unfence(const Instance& instance, const Context& context);

// Fast stop, and waits until the postmaster is gone. When it stays longer than `patienceMs` although pg_control is
// final (an archive command or a replication connection that does not answer), an immediate shutdown ends it: nothing
// is left to be written. When pg_control is not final it gets another second, and crash recovery does the rest.
Result<void> endPostmaster(const Instance& instance, int64_t patienceMs, const Context& context);

// True for a server that is not in recovery and gave a transaction an id.
Result<bool> acceptsWrites(Connection& connection, const Context& context);

}  // namespace swb::driver::postgresql
