// The canonical form of names, data and sets (RFC 4034 §6): what is signed must be the same octets for everybody.
#pragma once

#include <string>
#include <vector>

#include "dns/name.h"
#include "dns/rdata.h"

namespace swb::dns::sign {

std::string lowerCaseName(NameView name);  // wire form

// Names in the data are lower-cased for the types of RFC 4034 §6.2 (NSEC taken out by RFC 6840 §5.1).
Rdata canonicalRdata(uint16_t type, const Rdata& rdata);
// Canonical data of a set, sorted as octets without sign.
std::vector<Rdata> canonicalRecords(uint16_t type, const std::vector<Rdata>& records);

inline void appendU16(std::string& out, uint16_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
}
inline void appendU32(std::string& out, uint32_t value) {
    appendU16(out, static_cast<uint16_t>(value >> 16));
    appendU16(out, static_cast<uint16_t>(value));
}
// Precondition of both: the octets are there.
inline uint16_t readU16(std::string_view octets, size_t at) {
    return static_cast<uint16_t>(static_cast<uint8_t>(octets[at]) << 8 | static_cast<uint8_t>(octets[at + 1]));
}
inline uint32_t readU32(std::string_view octets, size_t at) {
    return static_cast<uint32_t>(readU16(octets, at)) << 16 | readU16(octets, at + 2);
}

}  // namespace swb::dns::sign
