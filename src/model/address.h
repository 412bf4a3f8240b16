// Addresses as people write them: "10.0.0.5:5432", "[2001:db8::1]:80", "db.example:5432".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swb {

struct HostPort {
    std::string host;  // name or literal, without brackets
    uint16_t port = 0;

    std::string text() const;
    bool operator==(const HostPort&) const = default;
};

// defaultPort 0: the port is required.
Result<HostPort> parseHostPort(std::string_view text, uint16_t defaultPort = 0);
bool isIpv4(std::string_view text);
bool isIpv6(std::string_view text);
inline bool isIpAddress(std::string_view text) {
    return isIpv4(text) || isIpv6(text);
}
// RFC 1123 host name of labels, at most 253 characters.
bool isHostName(std::string_view text);

}  // namespace swb
