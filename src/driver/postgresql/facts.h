// FACTS of the verbs' document: what a server says of itself, or what its files say while it is down. One statement
// answers all that may change from second to second; sizes and per-database facts are remembered for a while.
#pragma once

#include "driver/postgresql/instance.h"
#include "driver/support/kept_facts.h"

namespace swb::driver::postgresql {

// Facts that are costly and slow to change.
class SlowFacts {
  public:
    JsonObject of(const Instance& instance, Connection& connection, const Context& context);

  private:
    KeptFacts kept_;
};

Json inspectInstance(const Instance& instance, const Peer* peer, SlowFacts& slow, const Context& context);
// For a server of which not even the data directory can be found.
Json factsOfNothing(const DatabaseSpec& spec, const Error& error);

struct PeerIdentity {
    std::string systemId;
    uint32_t timeline = 0;
    Lsn position = 0;
};
// IDENTIFY_SYSTEM over a real replication connection.
Result<PeerIdentity> identifyPeer(const Instance& instance, const Peer& peer, MonotonicMs deadline);
Result<PeerIdentity> identifySystem(Connection& replication, MonotonicMs deadline);

}  // namespace swb::driver::postgresql
