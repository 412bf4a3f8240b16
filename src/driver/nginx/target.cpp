#include "driver/nginx/target.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace swb::driver::nginx {

// An address of this machine can be bound to; one that a provider translates to it cannot.
AddressKind addressKind(const std::string& address) {
    sockaddr_storage storage{};
    socklen_t size = 0;
    auto* four = reinterpret_cast<sockaddr_in*>(&storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
    if (::inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        size = sizeof *four;
    } else if (::inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        size = sizeof *six;
    } else {
        return AddressKind::translated;
    }
    const Fd probe(::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const bool bound = probe.valid() && ::bind(probe.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0;
    return bound ? AddressKind::local : AddressKind::translated;
}

Target::Target(const WebSpec& web) {
    connectTo = probeTarget(web, addressKind(web.address));
    origin = probeOrigin(web, connectTo);
}

HttpRequest Target::request(std::string_view path, int64_t timeoutMs) const {
    return {origin + std::string(path), connectTo, {std::string(probeHeader) + ": front"}, timeoutMs};
}

}  // namespace swb::driver::nginx
