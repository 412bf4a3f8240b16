// How the data of each type is put together. One table for text, wire, validation and compression.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace swb::dns {

enum class Field : uint8_t {
    end,
    u8,
    u16,
    u32,
    typeCode,  // 16 bits, a type's name as text
    time,      // 32 bits, YYYYMMDDHHmmSS as text
    name,      // never compressed (RFC 3597 §4)
    oldName,   // of the types of RFC 1035: compressed in answers
    address4,
    address6,
    string,             // one character-string
    tag,                // the same, of letters and digits
    strings,            // one or more, to the end
    text,               // octets to the end, a quoted string as text
    hexadecimal,        // octets to the end; at least one
    base64,             // octets to the end; at least one
    typeBitmap,         // RFC 4034 §4.1.2
    serviceParameters,  // RFC 9460 §2.2
};

constexpr size_t fieldsMax = 9;

struct TypeRow {
    uint16_t type;
    std::string_view text;
    std::array<Field, fieldsMax + 1> fields;
};

// Null for types without a form of their own.
const TypeRow* typeRow(uint16_t type);
const TypeRow* typeRow(std::string_view text);

// Field::tag (RFC 8659 §4.1).
bool isTag(std::string_view octets);

}  // namespace swb::dns
