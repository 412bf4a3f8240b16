// Who may replicate from this server: a record of ours by application, and from it the one user they share, with the
// hash of every peer's password.
#pragma once

#include "driver/redis/instance.h"

namespace swb::driver::redis {

struct KnownPeer {
    std::string application, slot, verifier;
    HostPort address;  // as its replica announces itself
};

std::vector<KnownPeer> knownPeers(const Instance& instance);
// Adds the peer, or changes what is known of it; an empty verifier leaves the former one.
Result<std::vector<KnownPeer>> rememberPeer(const Instance& instance, const Peer& peer);
Result<std::vector<KnownPeer>> forgetPeers(const Instance& instance, const std::vector<std::string>& slots);
// The replication user as the peers want it; nobody left, no user.
Result<void> admitPeers(const Instance& instance, Connection& connection, const std::vector<KnownPeer>& peers,
                        const Context& context);

// The name by which the source's facts call a replica: its slot, or its address when it is none of ours.
std::string nameOfReplica(const std::vector<KnownPeer>& peers, const Info::Replica& replica);

}  // namespace swb::driver::redis
