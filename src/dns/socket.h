// Sockets of the name server.
#pragma once

#include <vector>

#include "base/fd.h"
#include "dns/address.h"

namespace swb::dns {

struct BoundSockets {
    Endpoint endpoint;    // with the port
    Fd tcp;               // listening
    std::vector<Fd> udp;  // one for each thread
};

// Both transports on the same port; with port 0, one that is free for both.
Result<BoundSockets> bindSockets(const Endpoint& wanted, size_t udpSockets);

}  // namespace swb::dns
