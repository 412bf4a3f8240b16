// The other half of a switch, on the replica: reach the token exactly, then promote, then prove it.
#pragma once

#include "driver/mariadb/instance.h"
#include "driver/mariadb/token.h"

namespace swb::driver::mariadb {

constexpr const char* promotionRecord =
    "promotion";  // {end}: from before the source is forgotten until writes are open

// Done when the replica has applied exactly to the token's end, or was promoted there before.
// Changes nothing. TokenNotReached, IdentityMismatch (another database, beyond the token), ReplicaNotReady (stopped,
// delayed).
Result<Json> awaitToken(const Instance& instance, const SwitchToken& token, const Context& context);
// The point of no return.
Result<Json> promote(const Instance& instance, const SwitchToken& token, const Context& context);
// Outside a switch: no token. What was received is applied first; without allowLagging the replica must be streaming.
Result<void> promoteStandalone(const Instance& instance, bool allowLagging, const Context& context);

}  // namespace swb::driver::mariadb
