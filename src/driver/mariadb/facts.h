// FACTS of the verbs' document: what a server says of itself. Small statements answer all that may change from second
// to second; sizes are remembered for a while.
#pragma once

#include "driver/mariadb/instance.h"
#include "driver/support/kept_facts.h"

namespace swb::driver::mariadb {

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

}  // namespace swb::driver::mariadb
