// IP addresses and address:port pairs, as values.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swb::dns {

enum class AddressFamily : uint8_t { ipv4, ipv6 };

struct IpAddress {
    AddressFamily family = AddressFamily::ipv4;
    std::array<uint8_t, 16> octets{};  // the first four for IPv4, the rest zero

    static Result<IpAddress> fromText(std::string_view text);
    std::string toText() const;
    // The four or sixteen octets, as A and AAAA records hold them.
    std::string_view wire() const;
    // Precondition: four or sixteen octets.
    static IpAddress fromWire(std::string_view octets);
    bool isUnspecified() const;  // 0.0.0.0 or ::

    auto operator<=>(const IpAddress&) const = default;
};

struct Endpoint {
    IpAddress address;
    uint16_t port = 0;

    // "192.0.2.1:53", "[2001:db8::1]:53".
    static Result<Endpoint> fromText(std::string_view text);
    std::string toText() const;

    auto operator<=>(const Endpoint&) const = default;
};

// Of an address that the kernel gave.
IpAddress addressOf(const sockaddr_storage& socketAddress);
Endpoint endpointOf(const sockaddr_storage& socketAddress);

// What the socket calls take and give.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    static SocketAddress of(const Endpoint& endpoint);
    Endpoint endpoint() const;
    sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

}  // namespace swb::dns
