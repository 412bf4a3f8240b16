// What name servers say to each other: NOTIFY, zone transfers, and whatever is signed with a TSIG key. Such messages
// need keys, access lists and more than one reply, so they are handed on before answer() sees them. Without a handler
// answer() refuses them.
#pragma once

#include <cstdint>
#include <span>

#include "dns/address.h"
#include "dns/query.h"
#include "dns/zone.h"

namespace swb::dns {

inline bool isForPeers(const Query& query) {
    if (query.isResponse() || query.malformed) return false;
    const bool isTransfer = query.hasQuestion && query.opcode() == opcode::query &&
                            (query.question.type == type::axfr || query.question.type == type::ixfr);
    return query.isSigned || isTransfer || query.opcode() == opcode::notify;
}

class PeerHandler {
  public:
    virtual ~PeerHandler() = default;
    // One message over UDP. The length of the reply in `out`, or 0 for none. Called by several threads at once, between
    // answers: it may take memory, and must not wait.
    virtual size_t handle(std::span<const uint8_t> message, const Query& query, const Endpoint& client,
                          const ZoneSet& zones, std::span<uint8_t> out) = 0;
};

}  // namespace swb::dns
