#include "lab/addresses.h"

#include <sys/socket.h>

#include <algorithm>

#include "dns/address.h"

namespace swb::lab {
namespace {

enum class Sharing { alone, withOurs };

Fd bound(const std::string& address, uint16_t port, int type, Sharing sharing = Sharing::alone) {
    const auto ip = dns::IpAddress::fromText(address);
    if (!ip) return {};
    Fd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const int on = 1;
    // As the servers do: a port in TIME_WAIT is free. UDP is bound without it, where it would mean sharing.
    if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (sharing == Sharing::withOurs) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    const auto name = dns::SocketAddress::of({*ip, port});
    if (!socket.valid() || ::bind(socket.get(), name.pointer(), name.size) != 0) return {};
    // REUSEADDR lets two bind the same port until one listens.
    if (type == SOCK_STREAM && ::listen(socket.get(), 1) != 0) return {};
    return socket;
}

bool choosePorts(World& world) {
    world.apiPort = freePort(world.controllerAddress(), 8443);
    world.dnsPort = freePort(world.controllerAddress(), 5300, Protocols::tcpAndUdp);
    bool all = world.apiPort && world.dnsPort;
    for (Site& site : world.sites) {
        site.webPort = freePort(site.address, 8080);
        site.processPort = freePort(site.address, 3000);
        all = all && site.webPort && site.processPort;
        for (auto& [engine, ports] : site.databases) {
            ports.port = freePort(site.address, ports.port);
            all = all && ports.port;
            if (ports.secondPort == 0) continue;
            ports.secondPort = freePort(site.address, std::max<uint16_t>(ports.secondPort, ports.port + 1));
            all = all && ports.secondPort;
        }
    }
    return all;
}

}  // namespace

uint16_t freePort(const std::string& address, uint16_t wanted, Protocols protocols) {
    for (uint16_t port = wanted; port < wanted + 100; ++port) {
        const Fd tcp = bound(address, port, SOCK_STREAM);
        if (!tcp.valid()) continue;
        if (protocols == Protocols::tcp || bound(address, port, SOCK_DGRAM).valid()) return port;
    }
    return 0;
}

Result<Fd> claimAddresses(World& world, int preferred) {
    constexpr int numbers = 255;
    for (int i = 0; i < numbers; ++i) {
        world.number = (preferred + i) % numbers;
        Fd claim = bound(world.controllerAddress(), claimPort, SOCK_DGRAM);
        if (!claim.valid()) continue;
        // From now on another socket of this user may share the port if it asks for that: joinClaim() does.
        const int on = 1;
        ::setsockopt(claim.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        world.sites = makeSites(world.number, world.engines());
        if (choosePorts(world)) return claim;
    }
    return fail(ErrorCode::Unreachable, "no loopback addresses are free for a lab",
                "`swing lab down` other labs; the lab needs addresses 127.N.0.1, 127.N.10.1 and 127.N.20.1");
}

Result<Fd> joinClaim(const World& world) {
    Fd claim = bound(world.controllerAddress(), claimPort, SOCK_DGRAM, Sharing::withOurs);
    if (!claim.valid())
        return fail(ErrorCode::InUse,
                    "the addresses 127." + std::to_string(world.number) + ".x.y belong to another lab");
    return claim;
}

}  // namespace swb::lab
