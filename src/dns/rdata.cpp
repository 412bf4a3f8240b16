#include "dns/rdata.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "dns/address.h"

namespace swb::dns {
namespace {

constexpr size_t characterStringMax = 255;  // RFC 1035 §3.3: one length octet
constexpr size_t rdataMax = 65535;
constexpr size_t soaNumbersBytes = 20;

// How the data of a type is put together; everything else is opaque.
enum class Layout : uint8_t { opaque, address4, address6, name, preferenceAndName, soa, characterStrings };

struct TypeRow {
    uint16_t type;
    std::string_view text;
    Layout layout;
};

constexpr std::array typeTable = {
    TypeRow{type::a, "A", Layout::address4},
    TypeRow{type::ns, "NS", Layout::name},
    TypeRow{type::cname, "CNAME", Layout::name},
    TypeRow{type::soa, "SOA", Layout::soa},
    TypeRow{type::ptr, "PTR", Layout::name},
    TypeRow{type::mx, "MX", Layout::preferenceAndName},
    TypeRow{type::txt, "TXT", Layout::characterStrings},
    TypeRow{type::aaaa, "AAAA", Layout::address6},
};

Layout layoutOf(uint16_t type) {
    for (const TypeRow& row : typeTable)
        if (row.type == type) return row.layout;
    return Layout::opaque;
}

tl::unexpected<Error> badData(uint16_t type, std::string_view text, std::string_view why) {
    return fail(ErrorCode::InvalidInput, "\"" + std::string(text.substr(0, 80)) + "\" is not the data of a " +
                                             typeToText(type) + " record: " + std::string(why));
}

template <typename Number>
bool readNumber(std::string_view text, Number& value, int base = 10) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return problem == std::errc() && end == text.data() + text.size();
}

struct Token {
    std::string octets;    // escapes resolved
    std::string_view raw;  // as written, for names and numbers
};

// One word or one quoted string starting at `at`; false when a quote or an escape is left open.
bool readToken(std::string_view text, size_t& at, Token& token) {
    const bool quoted = text[at] == '"';
    const size_t start = at;
    if (quoted) ++at;
    while (at < text.size() && (quoted ? text[at] != '"' : text[at] != ' ' && text[at] != '\t')) {
        if (text[at] != '\\') {
            token.octets += text[at++];
            continue;
        }
        if (++at >= text.size()) return false;
        unsigned value = 0;
        if (text[at] < '0' || text[at] > '9') {
            token.octets += text[at++];
        } else if (at + 3 <= text.size() && readNumber(text.substr(at, 3), value) && value <= 255) {
            token.octets += static_cast<char>(value);
            at += 3;
        } else {
            return false;
        }
    }
    if (quoted && at++ >= text.size()) return false;
    token.raw = text.substr(start, at - start);
    return true;
}

bool readTokens(std::string_view text, std::vector<Token>& tokens) {
    for (size_t at = 0; at < text.size();) {
        if (text[at] == ' ' || text[at] == '\t') {
            ++at;
        } else if (!readToken(text, at, tokens.emplace_back())) {
            return false;
        }
    }
    return true;
}

Result<Rdata> opaqueFromTokens(uint16_t type, std::string_view text, const std::vector<Token>& tokens) {
    size_t length = 0;
    if (tokens.size() < 2 || tokens[0].raw != "\\#" || !readNumber(tokens[1].raw, length))
        return badData(type, text, "write it as \\# LENGTH HEXADECIMAL");
    std::string digits;
    for (size_t i = 2; i < tokens.size(); ++i) digits += tokens[i].raw;
    if (digits.size() != length * 2 || length > rdataMax) return badData(type, text, "the length is wrong");
    Rdata data;
    for (size_t at = 0; at < digits.size(); at += 2) {
        uint8_t octet = 0;
        if (!readNumber(std::string_view(digits).substr(at, 2), octet, 16))
            return badData(type, text, "a digit is not hexadecimal");
        data += static_cast<char>(octet);
    }
    return data;
}

Result<Rdata> stringsFromTokens(uint16_t type, std::string_view text, const std::vector<Token>& tokens) {
    Rdata data;
    for (const Token& token : tokens) {
        if (token.octets.size() > characterStringMax) return badData(type, text, "a string is longer than 255 octets");
        data += static_cast<char>(token.octets.size());
        data += token.octets;
    }
    if (data.size() > rdataMax) return badData(type, text, "it is longer than 65535 octets");
    return data;
}

std::string hexadecimalToText(std::string_view rdata) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "\\# " + std::to_string(rdata.size());
    if (!rdata.empty()) text += ' ';
    for (const char character : rdata) {
        const auto octet = static_cast<uint8_t>(character);
        text += digits[octet >> 4];
        text += digits[octet & 15];
    }
    return text;
}

std::string stringsToText(std::string_view rdata) {
    std::string text;
    for (size_t at = 0; at < rdata.size(); at += 1 + static_cast<uint8_t>(rdata[at])) {
        if (at > 0) text += ' ';
        text += '"';
        for (const char character : rdata.substr(at + 1, static_cast<uint8_t>(rdata[at]))) {
            const auto octet = static_cast<uint8_t>(character);
            if (octet < 0x20 || octet >= 0x7f) {
                text += {'\\', static_cast<char>('0' + octet / 100), static_cast<char>('0' + octet / 10 % 10),
                         static_cast<char>('0' + octet % 10)};
                continue;
            }
            if (character == '"' || character == '\\') text += '\\';
            text += character;
        }
        text += '"';
    }
    return text;
}

WireReader readerOf(std::string_view rdata) {
    return WireReader({reinterpret_cast<const uint8_t*>(rdata.data()), rdata.size()});
}

std::string addressToText(AddressFamily family, std::string_view rdata) {
    IpAddress address;
    address.family = family;
    std::copy_n(rdata.begin(), std::min(rdata.size(), address.octets.size()), address.octets.begin());
    return address.toText();
}

std::string soaToText(std::string_view rdata) {
    WireReader reader = readerOf(rdata);
    std::string text = reader.plainName().toText();
    text += ' ' + reader.plainName().toText();
    for (int i = 0; i < 5; ++i) text += ' ' + std::to_string(reader.u32());
    return text;
}

}  // namespace

std::string typeToText(uint16_t type) {
    for (const TypeRow& row : typeTable)
        if (row.type == type) return std::string(row.text);
    return "TYPE" + std::to_string(type);
}

Result<uint16_t> typeFromText(std::string_view text) {
    for (const TypeRow& row : typeTable)
        if (row.text == text) return row.type;
    uint16_t number = 0;
    if (text.starts_with("TYPE") && readNumber(text.substr(4), number)) return number;
    return fail(ErrorCode::InvalidInput, "\"" + std::string(text.substr(0, 40)) + "\" is not a known record type",
                "use A, AAAA, CNAME, MX, NS, PTR, TXT or the numeric form TYPE<number>");
}

Result<Rdata> rdataFromText(uint16_t type, std::string_view text) {
    std::vector<Token> tokens;
    if (!readTokens(text, tokens)) return badData(type, text, "a quote or an escape is not complete");
    if (tokens.empty()) return badData(type, text, "it is empty");
    switch (layoutOf(type)) {
        case Layout::address4:
        case Layout::address6: {
            const IpAddress address = TRY(IpAddress::fromText(text));
            const auto wanted = type == type::a ? AddressFamily::ipv4 : AddressFamily::ipv6;
            if (address.family != wanted) return badData(type, text, "it is of the other address family");
            return Rdata(address.wire());
        }
        case Layout::name:
            return Rdata(TRY(Name::fromText(text)).view().wire());
        case Layout::preferenceAndName: {
            uint16_t preference = 0;
            if (tokens.size() != 2 || !readNumber(tokens[0].raw, preference))
                return badData(type, text, "write a preference and a name");
            const Name exchange = TRY(Name::fromText(tokens[1].raw));
            return Rdata{static_cast<char>(preference >> 8), static_cast<char>(preference)} +
                   std::string(exchange.view().wire());
        }
        case Layout::characterStrings:
            return stringsFromTokens(type, text, tokens);
        case Layout::soa:
            return badData(type, text, "it belongs to the zone itself");
        case Layout::opaque:
            return opaqueFromTokens(type, text, tokens);
    }
    return badData(type, text, "it is of no known layout");
}

std::string rdataToText(uint16_t type, std::string_view rdata) {
    switch (layoutOf(type)) {
        case Layout::address4:
            return addressToText(AddressFamily::ipv4, rdata);
        case Layout::address6:
            return addressToText(AddressFamily::ipv6, rdata);
        case Layout::name:
            return nameInRdata(rdata).toText();
        case Layout::preferenceAndName: {
            WireReader reader = readerOf(rdata);
            const std::string preference = std::to_string(reader.u16());
            return preference + ' ' + reader.plainName().toText();
        }
        case Layout::soa:
            return soaToText(rdata);
        case Layout::characterStrings:
            return stringsToText(rdata);
        case Layout::opaque:
            break;
    }
    return hexadecimalToText(rdata);
}

void writeRdata(WireWriter& writer, uint16_t type, std::string_view rdata) {
    WireReader reader = readerOf(rdata);
    switch (layoutOf(type)) {
        case Layout::name:
            return writer.compressedName(nameInRdata(rdata));
        case Layout::preferenceAndName:
            writer.u16(reader.u16());
            return writer.compressedName(reader.plainName());
        case Layout::soa:
            writer.compressedName(reader.plainName());
            writer.compressedName(reader.plainName());
            return writer.bytes(rdata.substr(reader.position()));
        default:
            return writer.bytes(rdata);
    }
}

bool readRdata(std::span<const uint8_t> message, size_t position, size_t length, uint16_t type, Rdata& out) {
    // Names may point back to anywhere before, but nothing of the record may lie behind its end.
    if (position > message.size() || length > message.size() - position) return false;
    WireReader reader(message.first(position + length), position);
    out.clear();
    const auto copyName = [&] {
        NameBuffer name;
        reader.name(name);
        if (reader.ok()) out += name.view().wire();
    };
    const auto copyBytes = [&](size_t count) {
        const auto raw = reader.bytes(count);
        out.append(reinterpret_cast<const char*>(raw.data()), raw.size());
    };
    switch (layoutOf(type)) {
        case Layout::address4:
            copyBytes(4);
            break;
        case Layout::address6:
            copyBytes(16);
            break;
        case Layout::name:
            copyName();
            break;
        case Layout::preferenceAndName:
            copyBytes(2);
            copyName();
            break;
        case Layout::soa:
            copyName();
            copyName();
            copyBytes(soaNumbersBytes);
            break;
        case Layout::characterStrings:
            while (reader.ok() && !reader.atEnd()) {
                const size_t count = reader.u8();
                out += static_cast<char>(count);
                copyBytes(count);
            }
            break;
        case Layout::opaque:
            copyBytes(length);
            break;
    }
    return reader.ok() && reader.atEnd();
}

}  // namespace swb::dns
