// What name servers say to each other: NOTIFY, zone transfers, and whatever is signed with a TSIG key. Such messages
// need keys, access lists and more than one reply, so they are handed on before answer() sees them. Without a handler
// answer() refuses them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "dns/address.h"
#include "dns/query.h"
#include "dns/zone_set.h"

namespace swb::dns {

inline bool isForPeers(const Query& query) {
    if (query.isResponse() || query.malformed) return false;
    const bool isTransfer = query.hasQuestion && query.opcode() == opcode::query &&
                            (query.question.type == type::axfr || query.question.type == type::ixfr);
    return query.isSigned || isTransfer || query.opcode() == opcode::notify;
}

// The messages of a reply that takes more than one, made one at a time as the client reads them.
class ReplyStream {
  public:
    virtual ~ReplyStream() = default;
    // The length of the next message, or 0 at the end. Precondition: the buffer holds messageBytesMax.
    virtual size_t next(std::span<uint8_t> buffer) = 0;
};

class PeerHandler {
  public:
    virtual ~PeerHandler() = default;
    // One message over UDP. The length of the reply in `out`, or 0 for none. Called by several threads at once, between
    // answers: it may take memory, and must not wait.
    virtual size_t handle(std::span<const uint8_t> message, const Query& query, const Endpoint& client,
                          const ZoneSet& zones, std::span<uint8_t> out) = 0;

    struct TcpReply {
        size_t bytes = 0;                     // in `out`, unless there is a stream
        std::unique_ptr<ReplyStream> stream;  // may keep a zone alive for as long as it takes
    };
    // The same over TCP, on the TCP thread.
    virtual TcpReply handleTcp(std::span<const uint8_t> message, const Query& query, const Endpoint& client,
                               const ZoneSet& zones, std::span<uint8_t> out) = 0;
};

}  // namespace swb::dns
