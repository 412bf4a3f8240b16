#include "dns/socket.h"

#include <cerrno>
#include <cstring>

namespace swb::dns {
namespace {

constexpr int tcpBacklog = 256;
constexpr int udpBufferBytes = 4 << 20;  // rides out 10 ms of a busy machine at 100,000 queries a second
constexpr int freePortAttempts = 50;

tl::unexpected<Error> socketError(const std::string& what, const Endpoint& endpoint) {
    const int problem = errno;
    std::string hint;
    if (problem == EADDRINUSE) hint = "another program uses this port; choose another or stop that program";
    if (problem == EACCES) hint = "ports below 1024 need the capability CAP_NET_BIND_SERVICE";
    if (problem == EADDRNOTAVAIL) hint = "the address must be one of this machine's";
    return fail(ErrorCode::Unreachable, what + " " + endpoint.toText() + ": " + std::strerror(problem), hint);
}

void setOption(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof(value));
}

Result<Fd> openSocket(const Endpoint& endpoint, int kind) {
    const int family = endpoint.address.family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
    Fd fd(::socket(family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return socketError("cannot open a socket for", endpoint);
    if (family == AF_INET6) setOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return fd;
}

Result<void> bindTo(const Fd& fd, const Endpoint& endpoint, const char* transport) {
    const SocketAddress address = SocketAddress::of(endpoint);
    if (::bind(fd.get(), address.pointer(), address.size) != 0)
        return socketError(std::string("cannot listen on ") + transport, endpoint);
    return {};
}

Result<Fd> bindTcp(Endpoint& endpoint) {
    Fd fd = TRY(openSocket(endpoint, SOCK_STREAM));
    // Connections of a former process in TIME_WAIT must not keep the server from coming back.
    setOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    TRY_VOID(bindTo(fd, endpoint, "TCP"));
    SocketAddress bound;
    if (::listen(fd.get(), tcpBacklog) != 0 || ::getsockname(fd.get(), bound.pointer(), &bound.size) != 0)
        return socketError("cannot listen on TCP", endpoint);
    endpoint.port = bound.endpoint().port;
    return fd;
}

Result<Fd> bindUdp(const Endpoint& endpoint, bool shared) {
    Fd fd = TRY(openSocket(endpoint, SOCK_DGRAM));
    if (shared) setOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    setOption(fd.get(), SOL_SOCKET, SO_RCVBUF, udpBufferBytes);
    // Forged ICMP messages must not make the kernel believe in a tiny path; replies fit without fragments anyway.
    if (endpoint.address.family == AddressFamily::ipv4)
        setOption(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    else
        setOption(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
    TRY_VOID(bindTo(fd, endpoint, "UDP"));
    return fd;
}

Result<std::vector<Fd>> bindAllUdp(const Endpoint& endpoint, size_t count) {
    std::vector<Fd> sockets;
    const bool shared = count > 1;
    // Shared sockets would silently split the queries with a second server of the same user: a socket that is not
    // shared finds out whether there is one.
    if (shared) TRY(bindUdp(endpoint, false));
    for (size_t i = 0; i < count; ++i) sockets.push_back(TRY(bindUdp(endpoint, shared)));
    return sockets;
}

}  // namespace

Result<BoundSockets> bindSockets(const Endpoint& wanted, size_t udpSockets) {
    for (int attempt = 1;; ++attempt) {
        BoundSockets bound;
        bound.endpoint = wanted;
        bound.tcp = TRY(bindTcp(bound.endpoint));
        auto udp = bindAllUdp(bound.endpoint, udpSockets);
        if (udp) {
            bound.udp = *std::move(udp);
            return bound;
        }
        if (wanted.port != 0 || attempt == freePortAttempts) return fail(std::move(udp).error());
    }
}

}  // namespace swb::dns
