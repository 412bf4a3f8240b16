// The other half of a switch, on the replica: reach the token exactly, then promote, then prove it.
#pragma once

#include "driver/redis/instance.h"
#include "driver/redis/server_state.h"

namespace swb::driver::redis {

constexpr const char* relaxedRecord = "relaxed";  // min-replicas-to-write is 0 until the end of the switch

// Done when the replica has applied exactly to the token, or was promoted there before. Changes nothing.
// TokenNotReached, IdentityMismatch (another history, beyond the token), ReplicaNotReady (a copy is under way).
Result<Json> awaitToken(const Instance& instance, const Position& token, const Context& context);
// The point of no return. OutcomeUnknown when the request was made and its end not seen.
Result<Json> promote(const Instance& instance, const Position& token, const Context& context);
// Outside a switch: no token. Without allowLagging the replica must have a link that is up and have applied all it
// received; a server held back by the empty-restart guard needs allowLagging too.
Result<void> promoteStandalone(const Instance& instance, bool allowLagging, const Context& context);

}  // namespace swb::driver::redis
