// A received response, as values: for the stub resolver and for tests. Not used on the answer path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dns/query.h"
#include "dns/rdata.h"

namespace swb::dns {

struct ReceivedRecord {
    Name name;
    uint16_t type = 0;
    uint16_t recordClass = 0;
    uint32_t ttlSeconds = 0;
    Rdata data;
};

struct Response {
    uint16_t id = 0;
    uint16_t flags = 0;
    uint16_t rcode = 0;  // with the extended bits of the OPT record
    Name questionName;
    uint16_t questionType = 0;
    std::vector<ReceivedRecord> answers, authorities, additionals;

    bool isAuthoritative() const { return (flags & flag::authoritative) != 0; }
    bool isTruncated() const { return (flags & flag::truncated) != 0; }
};

// Malformed bytes are a ProtocolViolation.
Result<Response> parseResponse(std::span<const uint8_t> bytes);

// "REFUSED"; "RCODE 17" for those without a common name.
std::string rcodeToText(uint16_t rcode);

// A query with EDNS and without RD. The bytes to send over UDP.
std::vector<uint8_t> writeQuery(uint16_t id, const Name& name, uint16_t type);

}  // namespace swb::dns
