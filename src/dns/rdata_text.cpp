// The text side of rdata.h.
#include <charconv>
#include <ctime>

#include "dns/address.h"
#include "dns/presentation.h"
#include "dns/rdata.h"
#include "dns/rdata_table.h"
#include "dns/service_parameters.h"
#include "dns/type_bitmap.h"

namespace swb::dns {
namespace {

constexpr size_t characterStringMax = 255;  // RFC 1035 §3.3: one length octet
constexpr size_t timeTextBytes = 14;        // YYYYMMDDHHmmSS

tl::unexpected<Error> bad(std::string why) {
    return fail(ErrorCode::InvalidInput, std::move(why));
}

template <typename Number>
bool readNumber(std::string_view text, Number& value) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc() && end == text.data() + text.size() && !text.empty();
}

void putNumber(Rdata& data, uint64_t value, size_t bytes) {
    while (bytes-- > 0) data += static_cast<char>(value >> (8 * bytes));
}

Result<uint32_t> timeFromText(std::string_view text) {
    uint32_t seconds = 0;
    if (text.size() < timeTextBytes && readNumber(text, seconds)) return seconds;
    unsigned part[6] = {};
    constexpr size_t lengths[] = {4, 2, 2, 2, 2, 2};
    size_t at = 0;
    bool whole = text.size() == timeTextBytes;
    for (size_t i = 0; whole && i < 6; at += lengths[i++]) whole = readNumber(text.substr(at, lengths[i]), part[i]);
    if (!whole) return bad("a time is not of the form YYYYMMDDHHmmSS");
    std::tm time{};
    time.tm_year = static_cast<int>(part[0]) - 1900;
    time.tm_mon = static_cast<int>(part[1]) - 1;
    time.tm_mday = static_cast<int>(part[2]);
    time.tm_hour = static_cast<int>(part[3]);
    time.tm_min = static_cast<int>(part[4]);
    time.tm_sec = static_cast<int>(part[5]);
    return static_cast<uint32_t>(::timegm(&time));
}

std::string timeToText(uint32_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char text[32];
    return std::string(text, std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts));
}

// Takes words one after the other and appends what they mean.
class TextReader {
  public:
    TextReader(std::span<const Token> tokens, const Name* origin) : tokens_(tokens), origin_(origin) {}

    Result<Rdata> read(const TypeRow& row) {
        for (const Field field : row.fields) {
            if (field == Field::end) break;
            if (next_ == tokens_.size() && field != Field::serviceParameters && field != Field::typeBitmap)
                return bad("something is missing at the end");
            TRY_VOID(readField(field));
            if (data_.size() > rdataMax) return bad("it is longer than 65535 octets");
        }
        if (next_ != tokens_.size()) return bad("\"" + tokens_[next_].raw.substr(0, 40) + "\" is too much");
        return std::move(data_);
    }

  private:
    Result<void> readField(Field field) {
        switch (field) {
            case Field::end:
                return {};
            case Field::u8:
                return number<uint8_t>();
            case Field::u16:
                return number<uint16_t>();
            case Field::u32:
                return number<uint32_t>();
            case Field::typeCode:
                putNumber(data_, TRY(typeFromText(tokens_[next_++].raw)), 2);
                return {};
            case Field::time:
                putNumber(data_, TRY(timeFromText(tokens_[next_++].raw)), 4);
                return {};
            case Field::name:
            case Field::oldName: {
                const Name name = TRY(nameFromToken(tokens_[next_++].raw, origin_));
                data_ += name.view().wire();
                return {};
            }
            case Field::address4:
                return address(AddressFamily::ipv4);
            case Field::address6:
                return address(AddressFamily::ipv6);
            case Field::string:
                return string();
            case Field::tag:
                if (!isTag(tokens_[next_].octets)) return bad("a tag is not of letters and digits");
                return string();
            case Field::strings:
                while (next_ < tokens_.size()) TRY_VOID(string());
                return {};
            case Field::text:
                data_ += tokens_[next_++].octets;
                return {};
            case Field::hexadecimal:
                if (!readHexadecimal(rest(), data_)) return bad("a digit is not hexadecimal, or one is missing");
                return {};
            case Field::base64:
                if (!readBase64(rest(), data_)) return bad("it does not end in base64");
                return {};
            case Field::typeBitmap: {
                std::vector<uint16_t> types;
                while (next_ < tokens_.size()) types.push_back(TRY(typeFromText(tokens_[next_++].raw)));
                data_ += typeBitmap(std::move(types));
                return {};
            }
            case Field::serviceParameters:
                data_ += TRY(serviceParametersFromTokens(tokens_.subspan(next_)));
                next_ = tokens_.size();
                return {};
        }
        return {};
    }
    template <typename Number>
    Result<void> number() {
        Number value = 0;
        const Token& token = tokens_[next_++];
        if (!readNumber(token.raw, value))
            return bad("\"" + token.raw.substr(0, 40) + "\" is not a number that fits there");
        putNumber(data_, value, sizeof(Number));
        return {};
    }
    Result<void> address(AddressFamily family) {
        const IpAddress address = TRY(IpAddress::fromText(tokens_[next_++].raw));
        if (address.family != family) return bad("it is of the other address family");
        data_ += address.wire();
        return {};
    }
    Result<void> string() {
        const std::string& octets = tokens_[next_++].octets;
        if (octets.size() > characterStringMax) return bad("a string is longer than 255 octets");
        data_ += static_cast<char>(octets.size());
        data_ += octets;
        return {};
    }
    std::string rest() {
        std::string words;
        while (next_ < tokens_.size()) words += tokens_[next_++].raw;
        return words;
    }

    std::span<const Token> tokens_;
    const Name* origin_;
    size_t next_ = 0;
    Rdata data_;
};

Result<Rdata> opaqueFromTokens(uint16_t type, std::span<const Token> tokens) {
    size_t length = 0;
    if (tokens.size() < 2 || tokens[0].raw != "\\#" || !readNumber(tokens[1].raw, length))
        return bad("write it as \\# LENGTH HEXADECIMAL");
    std::string digits;
    for (const Token& token : tokens.subspan(2)) digits += token.raw;
    Rdata data, checked;
    if (digits.size() / 2 != length || length > rdataMax) return bad("the length is wrong");
    if (!readHexadecimal(digits, data)) return bad("a digit is not hexadecimal");
    // Of a type that is known, it must be what the type says.
    if (!readRdata({reinterpret_cast<const uint8_t*>(data.data()), data.size()}, 0, data.size(), type, checked) ||
        checked != data)
        return bad("the octets are not in the form of that type");
    return data;
}

std::string fieldToText(Field field, WireReader& reader, std::string_view rdata) {
    const auto rest = [&] {
        const auto octets = reader.bytes(reader.remaining());
        return rdata.substr(rdata.size() - octets.size());
    };
    const auto octets = [&](size_t count) {
        const auto raw = reader.bytes(count);
        return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
    };
    switch (field) {
        case Field::end:
            break;
        case Field::u8:
            return ' ' + std::to_string(reader.u8());
        case Field::u16:
            return ' ' + std::to_string(reader.u16());
        case Field::u32:
            return ' ' + std::to_string(reader.u32());
        case Field::typeCode:
            return ' ' + typeToText(reader.u16());
        case Field::time:
            return ' ' + timeToText(reader.u32());
        case Field::name:
        case Field::oldName:
            return ' ' + reader.plainName().toText();
        case Field::address4:
            return ' ' + IpAddress::fromWire(octets(4)).toText();
        case Field::address6:
            return ' ' + IpAddress::fromWire(octets(16)).toText();
        case Field::string:
            return ' ' + quotedText(octets(reader.u8()));
        case Field::tag:
            return ' ' + std::string(octets(reader.u8()));
        case Field::strings: {
            std::string text;
            while (reader.ok() && !reader.atEnd()) text += ' ' + quotedText(octets(reader.u8()));
            return text;
        }
        case Field::text:
            return ' ' + quotedText(rest());
        case Field::hexadecimal:
            return ' ' + hexadecimalText(rest());
        case Field::base64:
            return ' ' + base64Text(rest());
        case Field::typeBitmap: {
            std::string text;
            for (const uint16_t type : typesInBitmap(rest())) text += ' ' + typeToText(type);
            return text;
        }
        case Field::serviceParameters:
            return serviceParametersToText(rest());
    }
    return {};
}

}  // namespace

std::string typeToText(uint16_t type) {
    const TypeRow* row = typeRow(type);
    return row ? std::string(row->text) : "TYPE" + std::to_string(type);
}

Result<uint16_t> typeFromText(std::string_view text) {
    if (const TypeRow* row = typeRow(text)) return row->type;
    uint16_t number = 0;
    if (text.starts_with("TYPE") && readNumber(text.substr(4), number)) return number;
    return fail(ErrorCode::InvalidInput, "\"" + std::string(text.substr(0, 40)) + "\" is not a known record type",
                "use a name such as A, AAAA, CNAME, HTTPS, MX, TXT or the numeric form TYPE<number>");
}

Result<Rdata> rdataFromTokens(uint16_t type, std::span<const Token> tokens, const Name* origin) {
    if (tokens.empty()) return bad("it is empty");
    const TypeRow* row = typeRow(type);
    if (!row || tokens[0].raw == "\\#") return opaqueFromTokens(type, tokens);
    return TextReader(tokens, origin).read(*row);
}

Result<Rdata> rdataFromText(uint16_t type, std::string_view text) {
    std::vector<Token> tokens;
    auto data = readTokens(text, tokens) ? rdataFromTokens(type, tokens, nullptr)
                                         : Result<Rdata>(bad("a quote or an escape is not complete"));
    if (data) return data;
    return fail(data.error().within("\"" + std::string(text.substr(0, 80)) + "\" is not the data of a " +
                                    typeToText(type) + " record"));
}

std::string rdataToText(uint16_t type, std::string_view rdata) {
    const TypeRow* row = typeRow(type);
    if (!row) {
        const std::string digits = hexadecimalText(rdata);
        return "\\# " + std::to_string(rdata.size()) + (digits.empty() ? "" : " " + digits);
    }
    WireReader reader({reinterpret_cast<const uint8_t*>(rdata.data()), rdata.size()});
    std::string text;
    for (const Field field : row->fields) {
        if (field == Field::end) break;
        text += fieldToText(field, reader, rdata);
    }
    return text.empty() ? text : text.substr(1);
}

}  // namespace swb::dns
