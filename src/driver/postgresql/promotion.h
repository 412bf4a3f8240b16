// The other half of a switch, on the replica: reach the token exactly, then promote, then prove it.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/postgresql/token.h"

namespace swb::driver::postgresql {

// Done when the replica has replayed exactly to the token's end, or was promoted there before.
// Changes nothing. TokenNotReached, IdentityMismatch (another server, beyond the token), ReplicaNotReady (paused).
Result<Json> awaitToken(const Instance& instance, const SwitchToken& token, const Context& context);
// The point of no return. OutcomeUnknown when the request was made and its end not seen.
Result<Json> promote(const Instance& instance, const SwitchToken& token, const Context& context);
// Outside a switch: no token. Without allowLagging the replica must be streaming and have replayed all it received.
Result<void> promoteStandalone(const Instance& instance, bool allowLagging, const Context& context);

// The 5-second trap: startup sleeps wal_retrieve_retry_interval after its source went away, deaf to a promotion.
constexpr std::string_view steadyRetryInterval = "100ms";  // of our replicas, always
constexpr std::string_view switchRetryInterval = "10ms";   // between prepare-switch and end-switch

}  // namespace swb::driver::postgresql
