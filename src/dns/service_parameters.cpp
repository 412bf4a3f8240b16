#include "dns/service_parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "dns/address.h"
#include "dns/wire.h"

namespace swb::dns {
namespace {

enum Key : uint16_t { mandatory, alpn, noDefaultAlpn, port, ipv4Hint, ech, ipv6Hint, dohPath };

constexpr std::array<std::string_view, 8> keyNames = {"mandatory", "alpn", "no-default-alpn", "port",
                                                      "ipv4hint",  "ech",  "ipv6hint",        "dohpath"};
constexpr uint16_t invalidKey = 65535;  // RFC 9460 §14.3.2

tl::unexpected<Error> bad(std::string why) {
    return fail(ErrorCode::InvalidInput, std::move(why));
}

void put16(std::string& out, size_t value) {
    out += {static_cast<char>(value >> 8), static_cast<char>(value)};
}

uint16_t at16(std::string_view octets, size_t at) {
    return static_cast<uint16_t>(static_cast<uint8_t>(octets[at]) << 8 | static_cast<uint8_t>(octets[at + 1]));
}

Result<uint16_t> keyFromText(std::string_view text) {
    const auto known = std::find(keyNames.begin(), keyNames.end(), text);
    if (known != keyNames.end()) return static_cast<uint16_t>(known - keyNames.begin());
    uint16_t number = 0;
    const std::string_view digits = text.starts_with("key") ? text.substr(3) : std::string_view();
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool isCanonical = !digits.empty() && (digits.size() == 1 || digits.front() != '0');
    if (problem != std::errc() || end != digits.data() + digits.size() || !isCanonical)
        return bad("\"" + std::string(text.substr(0, 40)) +
                   "\" is no parameter; write keyNUMBER for one without a name");
    return number;
}

std::string keyToText(uint16_t key) {
    return key < keyNames.size() ? std::string(keyNames[key]) : "key" + std::to_string(key);
}

// RFC 9460 appendix A.1: items between commas, a backslash taking the meaning off the octet behind it.
std::vector<std::string> listItems(std::string_view value) {
    std::vector<std::string> items(1);
    for (size_t at = 0; at < value.size(); ++at) {
        if (value[at] == ',')
            items.emplace_back();
        else if (value[at] == '\\' && at + 1 < value.size())
            items.back() += value[++at];
        else
            items.back() += value[at];
    }
    return items;
}

Result<std::string> hintsFromText(std::string_view value, AddressFamily family) {
    std::string wire;
    for (const std::string& item : listItems(value)) {
        const IpAddress address = TRY(IpAddress::fromText(item));
        if (address.family != family) return bad(item + " is of the other address family");
        wire += address.wire();
    }
    return wire;
}

Result<std::string> alpnFromText(std::string_view value) {
    std::string wire;
    for (const std::string& item : listItems(value)) {
        if (item.empty() || item.size() > 255) return bad("a protocol of alpn is empty or longer than 255 octets");
        wire += static_cast<char>(item.size());
        wire += item;
    }
    return wire;
}

Result<std::string> mandatoryFromText(std::string_view value) {
    std::vector<uint16_t> keys;
    for (const std::string& item : listItems(value)) keys.push_back(TRY(keyFromText(item)));
    std::sort(keys.begin(), keys.end());
    std::string wire;
    for (const uint16_t key : keys) put16(wire, key);
    return wire;
}

Result<std::string> valueFromText(uint16_t key, std::string_view value) {
    switch (key) {
        case mandatory:
            return mandatoryFromText(value);
        case alpn:
            return alpnFromText(value);
        case port: {
            uint16_t number = 0;
            const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
            if (problem != std::errc() || end != value.data() + value.size()) return bad("the port is not a number");
            std::string wire;
            put16(wire, number);
            return wire;
        }
        case ipv4Hint:
            return hintsFromText(value, AddressFamily::ipv4);
        case ipv6Hint:
            return hintsFromText(value, AddressFamily::ipv6);
        case ech: {
            std::string wire;
            if (!readBase64(value, wire)) return bad("ech is not base64");
            return wire;
        }
        default:
            return std::string(value);
    }
}

bool isMandatoryWellFormed(std::string_view value, const std::map<uint16_t, std::string_view>& parameters) {
    for (size_t at = 0; at + 1 < value.size(); at += 2) {
        const uint16_t key = at16(value, at);
        if (key == mandatory || !parameters.contains(key)) return false;
        if (at > 0 && at16(value, at - 2) >= key) return false;
    }
    return !value.empty() && value.size() % 2 == 0;
}

bool isAlpnWellFormed(std::string_view value) {
    if (value.empty()) return false;
    for (size_t at = 0; at < value.size();) {
        const size_t length = static_cast<uint8_t>(value[at]);
        if (length == 0 || length >= value.size() - at) return false;
        at += 1 + length;
    }
    return true;
}

bool isValueWellFormed(uint16_t key, std::string_view value, const std::map<uint16_t, std::string_view>& parameters) {
    switch (key) {
        case mandatory:
            return isMandatoryWellFormed(value, parameters);
        case alpn:
            return isAlpnWellFormed(value);
        case noDefaultAlpn:
            return value.empty() && parameters.contains(alpn);
        case port:
            return value.size() == 2;
        case ipv4Hint:
            return !value.empty() && value.size() % 4 == 0;
        case ipv6Hint:
            return !value.empty() && value.size() % 16 == 0;
        case ech:
            return !value.empty();
        default:
            return key != invalidKey;
    }
}

std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
    return text;
}

std::string valueToText(uint16_t key, std::string_view value) {
    std::vector<std::string> items;
    switch (key) {
        case mandatory:
            for (size_t at = 0; at < value.size(); at += 2) items.push_back(keyToText(at16(value, at)));
            return joined(items);
        case alpn:
            for (size_t at = 0; at < value.size(); at += 1 + static_cast<uint8_t>(value[at])) {
                std::string& item = items.emplace_back();
                for (const char octet : value.substr(at + 1, static_cast<uint8_t>(value[at]))) {
                    if (octet == ',' || octet == '\\') item += '\\';
                    item += octet;
                }
            }
            return quotedText(joined(items));
        case port:
            return std::to_string(at16(value, 0));
        case ipv4Hint:
        case ipv6Hint: {
            const size_t bytes = key == ipv4Hint ? 4 : 16;
            for (size_t at = 0; at < value.size(); at += bytes)
                items.push_back(IpAddress::fromWire(value.substr(at, bytes)).toText());
            return joined(items);
        }
        case ech:
            return base64Text(value);
        default:
            return quotedText(value);
    }
}

// False when the lengths do not fit or the keys do not ascend.
bool split(std::string_view wire, std::map<uint16_t, std::string_view>& parameters) {
    int last = -1;
    for (size_t at = 0; at < wire.size();) {
        if (wire.size() - at < 4) return false;
        const uint16_t key = at16(wire, at);
        const size_t length = at16(wire, at + 2);
        if (key <= last || length > wire.size() - at - 4) return false;
        parameters.emplace(key, wire.substr(at + 4, length));
        last = key;
        at += 4 + length;
    }
    return true;
}

}  // namespace

Result<std::string> serviceParametersFromTokens(std::span<const Token> tokens) {
    std::map<uint16_t, std::string> values;
    for (const Token& token : tokens) {
        const size_t equals = token.octets.find('=');
        const std::string_view octets = token.octets;
        const uint16_t key = TRY(keyFromText(octets.substr(0, equals)));
        const auto value = equals == std::string::npos ? std::string_view() : octets.substr(equals + 1);
        if (value.size() > UINT16_MAX) return bad("the value of " + keyToText(key) + " is too long");
        const bool takesNoValue = key == noDefaultAlpn;
        if (takesNoValue && equals != std::string::npos) return bad(keyToText(key) + " takes no value");
        if (value.empty() && key < dohPath && !takesNoValue) return bad(keyToText(key) + " needs a value");
        if (!values.emplace(key, TRY(valueFromText(key, value))).second) return bad(keyToText(key) + " is there twice");
    }
    std::string wire;
    for (const auto& [key, value] : values) {
        put16(wire, key);
        put16(wire, value.size());
        wire += value;
    }
    if (!areServiceParametersWellFormed(wire))
        return bad(
            "the parameters contradict each other (a mandatory key is missing or named twice, or "
            "no-default-alpn stands without alpn)");
    return wire;
}

std::string serviceParametersToText(std::string_view wire) {
    std::map<uint16_t, std::string_view> parameters;
    split(wire, parameters);
    std::string text;
    for (const auto& [key, value] : parameters) {
        text += ' ' + keyToText(key);
        if (!value.empty()) text += '=' + valueToText(key, value);
    }
    return text;
}

bool areServiceParametersWellFormed(std::string_view wire) {
    std::map<uint16_t, std::string_view> parameters;
    if (!split(wire, parameters)) return false;
    for (const auto& [key, value] : parameters)
        if (!isValueWellFormed(key, value, parameters)) return false;
    return true;
}

}  // namespace swb::dns
