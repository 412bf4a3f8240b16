// A small blocking stub client: asks one given server and returns what it says. The lab's load generator follows the
// failover address with it, and a run asks every own name server whether it answers the new epoch.
// It neither caches nor looks anywhere else, because both would hide what is to be seen.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/address.h"
#include "dns/message.h"
#include "dns/protocol.h"

namespace swb::dns {

// Over UDP a lost packet is asked again until the time is over, and a truncated answer once more over TCP.
// No answer in time is DeadlineExceeded; a server that is not there is Unreachable; any RCODE is a response.
// A resolver is asked to look further itself (RD); a name server is not.
enum class Recursion : uint8_t { no, desired };

Result<Response> ask(const Endpoint& server, const Name& name, uint16_t type, int64_t timeoutMs,
                     Transport transport = Transport::udp, Recursion recursion = Recursion::no);

struct ResolvedAddresses {
    std::vector<std::string> addresses;  // of the end of the CNAME chain, in the order of the answer
    uint32_t ttlSeconds = 0;             // the shortest of the chain
    bool authoritative = false;
};

// type: A or AAAA. A name without such records, or one that does not exist, is NotFound; any other RCODE is
// VerificationFailed.
Result<ResolvedAddresses> resolveAddresses(const Endpoint& server, std::string_view name, uint16_t type,
                                           int64_t timeoutMs, Recursion recursion = Recursion::no);

// The A records, of a server given as text: "192.0.2.1:53".
Result<ResolvedAddresses> resolveA(std::string_view server, std::string_view name, int64_t timeoutMs);

// The serial of the zone at this server; VerificationFailed when the server is not authoritative for it.
Result<uint32_t> zoneSerial(std::string_view server, std::string_view zone, int64_t timeoutMs);

}  // namespace swb::dns
