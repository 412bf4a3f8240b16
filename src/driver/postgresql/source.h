// What a server must have so that another can replicate from it: role, hba line, WAL settings, slot. All of it is made
// on both sides of a link before the first switch, so that the way back is open when it is needed.
#pragma once

#include "driver/postgresql/facts.h"
#include "driver/postgresql/instance.h"

namespace swb::driver::postgresql {

Result<Json> prepareSource(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context);
Result<Json> testSource(const Instance& instance, const Peer& peer, const Context& context);
Result<Json> releaseSource(const Instance& instance, const std::vector<std::string>& slots, const Context& context);

// Slots of ours that nobody uses: of replicas that this server does not admit any more, and `former`'s, whoever that
// was admitted as. `keep` is spared. Answers the names of those that were dropped.
struct StaleSlots {
    std::string_view keep, former;
};
Result<std::vector<std::string>> dropStaleSlots(const Instance& instance, Connection& connection,
                                                const StaleSlots& which, const Context& context);

// Before and after a switch.
Result<void> prepareSwitchSource(const Instance& instance, std::string_view peerSlot, const Context& context);
Result<void> prepareSwitchReplica(const Instance& instance, const Peer& peer, int64_t lagBytesMax,
                                  const Context& context);
Result<void> endSwitch(const Instance& instance, const Context& context);

}  // namespace swb::driver::postgresql
