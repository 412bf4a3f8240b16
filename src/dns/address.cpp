#include "dns/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace swb::dns {

Result<IpAddress> IpAddress::fromText(std::string_view text) {
    IpAddress address;
    const std::string terminated(text.substr(0, INET6_ADDRSTRLEN));
    if (::inet_pton(AF_INET, terminated.c_str(), address.octets.data()) == 1) return address;
    address.family = AddressFamily::ipv6;
    if (::inet_pton(AF_INET6, terminated.c_str(), address.octets.data()) == 1) return address;
    return fail(ErrorCode::InvalidInput, "\"" + terminated + "\" is not an IP address",
                "write it like 192.0.2.10 or 2001:db8::10");
}

std::string IpAddress::toText() const {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(family == AddressFamily::ipv4 ? AF_INET : AF_INET6, octets.data(), text, sizeof(text));
    return text;
}

IpAddress IpAddress::fromWire(std::string_view octets) {
    IpAddress address;
    address.family = octets.size() == 4 ? AddressFamily::ipv4 : AddressFamily::ipv6;
    std::memcpy(address.octets.data(), octets.data(), octets.size());
    return address;
}

std::string_view IpAddress::wire() const {
    return {reinterpret_cast<const char*>(octets.data()), family == AddressFamily::ipv4 ? size_t{4} : size_t{16}};
}

bool IpAddress::isUnspecified() const {
    return octets == decltype(octets){};
}

Result<Endpoint> Endpoint::fromText(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorCode::InvalidInput, "\"" + std::string(text.substr(0, 80)) + "\" is not an address and port",
                    "write it like 192.0.2.10:53 or [2001:db8::10]:53");
    };
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad();
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    Endpoint endpoint;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (problem != std::errc() || end != digits.data() + digits.size()) return bad();
    const auto address = IpAddress::fromText(host);
    if (!address || bracketed != (address->family == AddressFamily::ipv6)) return bad();
    endpoint.address = *address;
    return endpoint;
}

std::string Endpoint::toText() const {
    const std::string host = address.toText();
    return (address.family == AddressFamily::ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

SocketAddress SocketAddress::of(const Endpoint& endpoint) {
    SocketAddress result;
    if (endpoint.address.family == AddressFamily::ipv4) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        std::memcpy(&address.sin_addr, endpoint.address.octets.data(), sizeof(address.sin_addr));
        result.size = sizeof(address);
        std::memcpy(&result.storage, &address, sizeof(address));
    } else {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(endpoint.port);
        std::memcpy(&address.sin6_addr, endpoint.address.octets.data(), sizeof(address.sin6_addr));
        result.size = sizeof(address);
        std::memcpy(&result.storage, &address, sizeof(address));
    }
    return result;
}

Endpoint endpointOf(const sockaddr_storage& socketAddress) {
    Endpoint result;
    if (socketAddress.ss_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, &socketAddress, sizeof(address));
        result.address.family = AddressFamily::ipv6;
        std::memcpy(result.address.octets.data(), &address.sin6_addr, sizeof(address.sin6_addr));
        result.port = ntohs(address.sin6_port);
    } else {
        sockaddr_in address{};
        std::memcpy(&address, &socketAddress, sizeof(address));
        std::memcpy(result.address.octets.data(), &address.sin_addr, sizeof(address.sin_addr));
        result.port = ntohs(address.sin_port);
    }
    return result;
}

IpAddress addressOf(const sockaddr_storage& socketAddress) {
    return endpointOf(socketAddress).address;
}

Endpoint SocketAddress::endpoint() const {
    return endpointOf(storage);
}

}  // namespace swb::dns
