#include "net/detail/target.h"

#include <optional>

namespace swb::net::detail {

namespace {
enum class Plus { literal, space };

int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> percentDecode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::space) {
            decoded += ' ';
        } else if (text[i] != '%') {
            decoded += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hexDigit(text[i + 1]);
            const int low = hexDigit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return decoded;
}

bool hasControlCharacter(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
    }
    return false;
}

size_t count(std::string_view text, char wanted) {
    size_t found = 0;
    for (const char c : text) found += c == wanted;
    return found;
}
}  // namespace

Result<Target> parseTarget(std::string_view target) {
    if (target.empty() || target[0] != '/') {
        return fail(ErrorCode::InvalidInput, "the request target is not a path", "begin it with /");
    }
    const size_t mark = target.find('?');
    const std::string_view rawPath = target.substr(0, mark);
    const auto path = percentDecode(rawPath, Plus::literal);
    if (!path || hasControlCharacter(*path) || count(*path, '/') != count(rawPath, '/')) {
        return fail(ErrorCode::InvalidInput, "the path of the request is not encoded as it should be",
                    "use percent encoding (RFC 3986), without %2F and control characters");
    }
    Target result{*path, {}};
    if (mark == std::string_view::npos) return result;

    std::string_view rest = target.substr(mark + 1);
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) continue;
        const size_t equals = std::min(pair.find('='), pair.size());
        auto name = percentDecode(pair.substr(0, equals), Plus::space);
        auto value = percentDecode(pair.substr(std::min(equals + 1, pair.size())), Plus::space);
        if (!name || !value) {
            return fail(ErrorCode::InvalidInput, "the query of the request is not encoded as it should be",
                        "use percent encoding (RFC 3986)");
        }
        result.query.emplace_back(std::move(*name), std::move(*value));
    }
    return result;
}

}  // namespace swb::net::detail
