// Before any outage: what would make the switch fail or wait is found, refused or waited for now.
#pragma once

#include "driver/mariadb/instance.h"

namespace swb::driver::mariadb {

Result<void> prepareSwitchSource(const Instance& instance, const Context& context);
Result<void> prepareSwitchReplica(const Instance& instance, const Peer& peer, int64_t lagBytesMax,
                                  const Context& context);
// On the primary: events that came by replication belong to it now.
Result<void> endSwitch(const Instance& instance, const Context& context);

// Bytes of the source's log that a replica has not applied yet; -1: not known.
Result<int64_t> bytesBehind(const Instance& instance, Connection& source, const Row& status, MonotonicMs deadline);

}  // namespace swb::driver::mariadb
