#include "dns/resolve.h"

#include <algorithm>

#include "dns/exchange.h"

namespace swb::dns {

Result<Response> ask(const Endpoint& server, const Name& name, uint16_t type, int64_t timeoutMs, Transport transport,
                     Recursion recursion) {
    std::vector<uint8_t> query = writeQuery(randomMessageId(), name, type);
    if (recursion == Recursion::desired) query[2] |= flag::recursionDesired >> 8;
    Result<Response> response = fail(ErrorCode::Bug, "no reply was read");
    const auto isReply = [&](std::span<const uint8_t> bytes) {
        response = parseResponse(bytes);
        return response && response->id == (query[0] << 8 | query[1]) && response->questionName == name &&
               response->questionType == type;
    };
    TRY(exchange({server, transport, timeoutMs}, query, isReply));
    if (transport == Transport::udp && response->isTruncated())
        TRY(exchange({server, Transport::tcp, timeoutMs}, query, isReply));
    return response;
}

Result<ResolvedAddresses> resolveA(std::string_view server, std::string_view name, int64_t timeoutMs) {
    return resolveAddresses(TRY(Endpoint::fromText(server)), name, type::a, timeoutMs);
}

Result<ResolvedAddresses> resolveAddresses(const Endpoint& endpoint, std::string_view nameText, uint16_t wanted,
                                           int64_t timeoutMs, Recursion recursion) {
    const Name asked = TRY(Name::fromText(nameText));
    const Response response = TRY(ask(endpoint, asked, wanted, timeoutMs, Transport::udp, recursion));
    if (response.rcode != rcode::noError && response.rcode != rcode::nameError)
        return fail(ErrorCode::VerificationFailed, "the name server " + endpoint.toText() + " answered RCODE " +
                                                       std::to_string(response.rcode) + " for " + asked.toText());
    ResolvedAddresses resolved;
    resolved.authoritative = response.isAuthoritative();
    resolved.ttlSeconds = ttlMax;
    Name name = asked;
    for (const ReceivedRecord& record : response.answers) {
        if (record.name != name) continue;
        if (record.type != wanted && record.type != type::cname) continue;
        resolved.ttlSeconds = std::min(resolved.ttlSeconds, record.ttlSeconds);
        if (record.type == wanted)
            resolved.addresses.push_back(rdataToText(wanted, record.data));
        else
            name = Name(nameInRdata(record.data));
    }
    if (resolved.addresses.empty())
        return fail(ErrorCode::NotFound,
                    "the name server " + endpoint.toText() + " has no address for " + asked.toText());
    return resolved;
}

Result<uint32_t> zoneSerial(std::string_view server, std::string_view zone, int64_t timeoutMs) {
    const Endpoint endpoint = TRY(Endpoint::fromText(server));
    const Name origin = TRY(Name::fromText(zone));
    const Response response = TRY(ask(endpoint, origin, type::soa, timeoutMs));
    for (const ReceivedRecord& record : response.answers) {
        if (!response.isAuthoritative() || record.type != type::soa || record.name != origin) continue;
        WireReader reader({reinterpret_cast<const uint8_t*>(record.data.data()), record.data.size()});
        reader.plainName();
        reader.plainName();
        return reader.u32();
    }
    return fail(ErrorCode::VerificationFailed,
                "the name server " + endpoint.toText() + " is not authoritative for " + origin.toText());
}

}  // namespace swb::dns
