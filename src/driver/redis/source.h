// What a server must have so that another can replicate from it: certificates, the peers' user, a backlog that outlasts
// a cut link, a name for itself. All of it is made on both sides of a link before the first switch, so that the way
// back is open when it is needed.
#pragma once

#include "driver/redis/dialect.h"
#include "driver/redis/instance.h"

namespace swb::driver::redis {

Result<Json> prepareSource(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context);
Result<Json> releaseSource(const Instance& instance, const std::vector<std::string>& slots, const Context& context);

// What a peer says to our replication user, over TLS with our certificate.
struct PeerIdentity {
    Release release;
    std::string role;  // master or replica
};
Result<PeerIdentity> identifyPeer(const Instance& instance, const Peer& peer, const Context& context);
// A real connection as a replica would make it, up to PSYNC; and the peer's snapshots must be readable here.
Result<Json> testSource(const Instance& instance, const Peer& peer, const Context& context);

// Before and after a switch.
Result<void> prepareSwitchSource(const Instance& instance, std::string_view peerSlot, const Context& context);
Result<void> prepareSwitchReplica(const Instance& instance, const Peer& peer, int64_t lagBytesMax,
                                  const Context& context);
Result<void> endSwitch(const Instance& instance, const Context& context);

// Bytes a backlog should have: what is written in ten minutes at the current rate, within bounds.
int64_t wantedBacklogBytes(int64_t bytesPerSecond);
// Bytes it gets: never fewer than it has. Redis before 7.0 empties its backlog when the size changes, and this is asked
// right after a promotion, before the old primary is back: it would have to copy everything. So there a backlog grows
// once, before the first replica comes.
int64_t backlogBytes(const Release& release, int64_t now, int64_t bytesPerSecond);

}  // namespace swb::driver::redis
