// Record data: text (master-file form) to wire and back, and writing it into an answer.
// Any type may be written as RFC 3597 says, as TYPE1000 and \# 3 abcdef; types without a form of their own must be.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/wire.h"

namespace swb::dns {

using Rdata = std::string;  // octets in wire form, names not compressed
struct Token;

constexpr size_t rdataMax = 65535;

std::string typeToText(uint16_t type);
Result<uint16_t> typeFromText(std::string_view text);  // upper case

Result<Rdata> rdataFromText(uint16_t type, std::string_view text);
// With an origin, names without a final dot are relative to it (presentation.h).
Result<Rdata> rdataFromTokens(uint16_t type, std::span<const Token> tokens, const Name* origin);
std::string rdataToText(uint16_t type, std::string_view rdata);

// The one name an NS, CNAME or PTR record consists of.
inline NameView nameInRdata(std::string_view rdata) {
    return NameView(rdata);
}

// Writes the data, compressing names in the types of RFC 1035 and in no other (RFC 3597 §4).
void writeRdata(WireWriter& writer, uint16_t type, std::string_view rdata);
// Copies the data of a received record out of its message, resolving compressed names; false when it is malformed.
bool readRdata(std::span<const uint8_t> message, size_t position, size_t length, uint16_t type, Rdata& out);

}  // namespace swb::dns
