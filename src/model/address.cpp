#include "model/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace swb {

std::string HostPort::text() const {
    return (isIpv6(host) ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HostPort> parseHostPort(std::string_view text, uint16_t defaultPort) {
    const auto invalid = [&] {
        return fail(ErrorCode::InvalidInput, "'" + std::string(text.substr(0, 120)) + "' is not an address",
                    "write HOST:PORT, for example 10.0.0.5:5432");
    };
    HostPort result;
    std::string_view portText;
    if (text.starts_with('[')) {
        const size_t close = text.find(']');
        if (close == std::string_view::npos) return invalid();
        result.host = std::string(text.substr(1, close - 1));
        if (!isIpv6(result.host)) return invalid();
        const auto rest = text.substr(close + 1);
        if (!rest.empty() && rest.front() != ':') return invalid();
        portText = rest.empty() ? rest : rest.substr(1);
        if (!rest.empty() && portText.empty()) return invalid();
    } else if (const size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        result.host = std::string(text.substr(0, colon));
        portText = text.substr(colon + 1);
        // Without brackets nobody can tell where an IPv6 address ends and its port begins.
        if (portText.empty() || isIpv6(result.host)) return invalid();
    } else {
        result.host = std::string(text);
    }
    if (!isIpAddress(result.host) && !isHostName(result.host)) return invalid();
    if (portText.empty()) {
        if (defaultPort == 0) return invalid();
        result.port = defaultPort;
        return result;
    }
    unsigned port = 0;
    const auto [end, failure] = std::from_chars(portText.data(), portText.data() + portText.size(), port);
    if (failure != std::errc() || end != portText.data() + portText.size() || port == 0 || port > 65535)
        return invalid();
    result.port = static_cast<uint16_t>(port);
    return result;
}

// inet_pton ends at the first NUL: what is behind one would come into configuration files unread.
bool isIpv4(std::string_view text) {
    in_addr address{};
    return text.find('\0') == std::string_view::npos && inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool isIpv6(std::string_view text) {
    in6_addr address{};
    return text.find('\0') == std::string_view::npos && inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool isHostName(std::string_view text) {
    if (text.empty() || text.size() > 253) return false;
    size_t label = 0;
    char previous = '.';
    for (const char c : text) {
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '.') {
            if (label == 0 || previous == '-') return false;
            label = 0;
        } else if (alphanumeric || (c == '-' && label > 0) || c == '_') {
            if (++label > 63) return false;
        } else {
            return false;
        }
        previous = c;
    }
    if (previous == '-' || previous == '.') return false;
    // Resolvers take a name that ends in a number for an IPv4 address, whole or shortened: it must be one.
    const std::string_view last = text.substr(text.rfind('.') + 1);
    return last.find_first_not_of("0123456789") != std::string_view::npos || isIpv4(text);
}

}  // namespace swb
