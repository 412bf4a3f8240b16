// A query, taken apart without copying. The views point into the query's bytes.
#pragma once

#include <cstdint>
#include <span>

#include "dns/edns.h"

namespace swb::dns {

struct Question {
    NameView name;
    uint16_t type = 0;
    uint16_t recordClass = 0;
};

struct Query {
    uint16_t id = 0;
    uint16_t flags = 0;
    uint16_t questionCount = 0;
    bool hasQuestion = false;  // exactly one, and well formed
    Question question;
    EdnsRequest edns;
    bool isSigned = false;   // the last record is a TSIG
    bool malformed = false;  // what was read before the malformed place stands in the other members

    bool isResponse() const { return (flags & flag::response) != 0; }
    uint8_t opcode() const { return static_cast<uint8_t>((flags & flag::opcodeMask) >> 11); }
};

// Precondition: at least a header's length.
Query parseQuery(std::span<const uint8_t> bytes);

}  // namespace swb::dns
