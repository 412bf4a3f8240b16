#include "dns/presentation.h"

#include <array>
#include <charconv>

namespace swb::dns {
namespace {

constexpr std::string_view base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The octet that an escape stands for; `at` is behind the backslash.
bool readEscape(std::string_view text, size_t& at, std::string& octets) {
    if (at >= text.size()) return false;
    if (text[at] < '0' || text[at] > '9') {
        octets += text[at++];
        return true;
    }
    unsigned value = 0;
    if (at + 3 > text.size()) return false;
    const auto [end, problem] = std::from_chars(text.data() + at, text.data() + at + 3, value);
    if (problem != std::errc() || end != text.data() + at + 3 || value > 255) return false;
    octets += static_cast<char>(value);
    at += 3;
    return true;
}

// From behind the opening quote to behind the closing one.
bool readQuoted(std::string_view text, size_t& at, std::string& octets) {
    while (at < text.size() && text[at] != '"') {
        if (text[at] != '\\') {
            octets += text[at++];
        } else if (!readEscape(text, ++at, octets)) {
            return false;
        }
    }
    return at++ < text.size();
}

bool isBlank(char character) {
    return character == ' ' || character == '\t';
}

}  // namespace

bool readToken(std::string_view text, size_t& at, Token& token, std::string_view ends) {
    const size_t start = at;
    token.isQuoted = text[at] == '"';
    bool whole = true;
    if (token.isQuoted) {
        whole = readQuoted(text, ++at, token.octets);
    } else {
        while (whole && at < text.size()) {
            if (text[at] == '"' && at > start && text[at - 1] == '=') {
                whole = readQuoted(text, ++at, token.octets);
            } else if (isBlank(text[at]) || ends.find(text[at]) != std::string_view::npos) {
                break;
            } else if (text[at] == '\\') {
                whole = readEscape(text, ++at, token.octets);
            } else {
                token.octets += text[at++];
            }
        }
    }
    token.raw = text.substr(start, at - start);
    return whole;
}

bool readTokens(std::string_view text, std::vector<Token>& tokens) {
    for (size_t at = 0; at < text.size();) {
        if (isBlank(text[at])) {
            ++at;
        } else if (!readToken(text, at, tokens.emplace_back())) {
            return false;
        }
    }
    return true;
}

Result<Name> nameFromToken(std::string_view raw, const Name* origin) {
    if (!origin) return Name::fromText(raw);
    if (raw == "@") return *origin;
    size_t backslashes = 0;
    while (raw.size() > backslashes + 1 && raw[raw.size() - 2 - backslashes] == '\\') ++backslashes;
    if (raw.ends_with('.') && backslashes % 2 == 0) return Name::fromText(raw);
    return Name::fromText(std::string(raw) + (origin->view().isRoot() ? "." : "." + origin->toText()));
}

std::string quotedText(std::string_view octets) {
    std::string text = "\"";
    for (const char character : octets) {
        const auto octet = static_cast<uint8_t>(character);
        if (octet < 0x20 || octet >= 0x7f) {
            text += {'\\', static_cast<char>('0' + octet / 100), static_cast<char>('0' + octet / 10 % 10),
                     static_cast<char>('0' + octet % 10)};
            continue;
        }
        if (character == '"' || character == '\\') text += '\\';
        text += character;
    }
    return text + '"';
}

std::string hexadecimalText(std::string_view octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char character : octets) {
        text += digits[static_cast<uint8_t>(character) >> 4];
        text += digits[static_cast<uint8_t>(character) & 15];
    }
    return text;
}

bool readHexadecimal(std::string_view text, std::string& octets) {
    if (text.size() % 2 != 0) return false;
    for (size_t at = 0; at < text.size(); at += 2) {
        uint8_t octet = 0;
        const auto [end, problem] = std::from_chars(text.data() + at, text.data() + at + 2, octet, 16);
        if (problem != std::errc() || end != text.data() + at + 2) return false;
        octets += static_cast<char>(octet);
    }
    return true;
}

std::string base64Text(std::string_view octets) {
    std::string text;
    for (size_t at = 0; at < octets.size(); at += 3) {
        uint32_t group = 0;
        for (size_t i = 0; i < 3; ++i)
            group = group << 8 | (at + i < octets.size() ? static_cast<uint8_t>(octets[at + i]) : 0u);
        for (size_t i = 0; i < 4; ++i) text += at + i <= octets.size() ? base64Digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

bool readBase64(std::string_view text, std::string& octets) {
    if (text.size() % 4 != 0) return false;
    for (size_t at = 0; at < text.size(); at += 4) {
        uint32_t group = 0;
        size_t padding = 0;
        for (size_t i = 0; i < 4; ++i) {
            const size_t digit = base64Digits.find(text[at + i]);
            if (text[at + i] == '=' && i >= 2 && at + 4 == text.size()) {
                ++padding;
            } else if (digit == std::string_view::npos || padding > 0) {
                return false;
            }
            group = group << 6 | (text[at + i] == '=' ? 0u : static_cast<uint32_t>(digit));
        }
        // Bits that no octet holds must be zero, so that one value has one text.
        if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0)) return false;
        for (size_t i = 0; i < 3 - padding; ++i) octets += static_cast<char>(group >> (16 - 8 * i));
    }
    return true;
}

}  // namespace swb::dns
