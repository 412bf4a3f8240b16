// Finds loopback addresses and ports that nobody uses.
#pragma once

#include "base/fd.h"
#include "lab/world.h"

namespace swb::lab {

// Takes a number for this lab by binding its claim, beginning with `preferred`, and free ports for everything. The
// claim holds until the descriptor is closed; the supervisor joins in with joinClaim() before that.
Result<Fd> claimAddresses(World& world, int preferred);
// A second holder of the same claim, of the same user.
Result<Fd> joinClaim(const World& world);

// The first port from `wanted` on, within 100, that TCP (and UDP, when asked) can bind at the address; 0: none.
enum class Protocols { tcp, tcpAndUdp };
uint16_t freePort(const std::string& address, uint16_t wanted, Protocols protocols = Protocols::tcp);

}  // namespace swb::lab
