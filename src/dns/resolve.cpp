#include "dns/resolve.h"

#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/fd.h"

namespace swb::dns {
namespace {

constexpr int64_t repeatAfterMs = 250;  // a query lost on the way is worth repeating long before anyone notices
constexpr size_t lengthBytes = 2;

struct Ask {
    Endpoint server;
    Name name;
    uint16_t type;
    uint16_t id;
    std::vector<uint8_t> query;
    MonotonicMs deadline;
};

MonotonicMs nowMs() {
    return SystemClock().monotonic();
}

tl::unexpected<Error> late(const Ask& ask) {
    return fail(ErrorCode::DeadlineExceeded, "the name server " + ask.server.toText() + " did not answer in time");
}
tl::unexpected<Error> unreachable(const Ask& ask, int problem) {
    return fail(ErrorCode::Unreachable,
                "the name server " + ask.server.toText() + " cannot be asked: " + std::strerror(problem));
}

uint16_t randomId() {
    uint16_t id = 0;
    if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(nowMs());
    return id;
}

// Ready, or why not. until: not later than the deadline.
Result<bool> waitFor(const Ask& ask, const Fd& fd, short events, MonotonicMs until) {
    pollfd watched{fd.get(), events, 0};
    while (true) {
        const int64_t left = std::min(until, ask.deadline) - nowMs();
        if (left <= 0) return false;
        const int ready = ::poll(&watched, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return unreachable(ask, errno);
    }
}

Result<Fd> connectTo(const Ask& ask, int kind) {
    const int family = ask.server.address.family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
    Fd fd(::socket(family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return unreachable(ask, errno);
    const SocketAddress address = SocketAddress::of(ask.server);
    if (::connect(fd.get(), address.pointer(), address.size) == 0) return fd;
    if (errno != EINPROGRESS) return unreachable(ask, errno);
    if (!TRY(waitFor(ask, fd, POLLOUT, ask.deadline))) return late(ask);
    int problem = 0;
    socklen_t size = sizeof(problem);
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) return unreachable(ask, problem);
    return fd;
}

// Whether these bytes answer this question; others are passed over as late or forged.
bool isOurs(const Ask& ask, const Result<Response>& response) {
    if (!response || response->id != ask.id) return false;
    return response->questionName == ask.name && response->questionType == ask.type;
}

Result<Response> askUdp(const Ask& ask) {
    const Fd fd = TRY(connectTo(ask, SOCK_DGRAM));
    std::vector<uint8_t> buffer(messageBytesMax);
    while (nowMs() < ask.deadline) {
        if (::send(fd.get(), ask.query.data(), ask.query.size(), MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
            return unreachable(ask, errno);
        const MonotonicMs repeatAt = nowMs() + repeatAfterMs;
        while (TRY(waitFor(ask, fd, POLLIN, repeatAt))) {
            const ssize_t count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
            if (count < 0 && errno == EAGAIN) continue;
            if (count < 0) return unreachable(ask, errno);
            auto response = parseResponse({buffer.data(), static_cast<size_t>(count)});
            if (isOurs(ask, response)) return response;
        }
    }
    return late(ask);
}

Result<void> sendAll(const Ask& ask, const Fd& fd, const std::vector<uint8_t>& bytes) {
    for (size_t at = 0; at < bytes.size();) {
        const ssize_t count = ::send(fd.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (count > 0) {
            at += static_cast<size_t>(count);
        } else if (errno != EAGAIN && errno != EINTR) {
            return unreachable(ask, errno);
        } else if (!TRY(waitFor(ask, fd, POLLOUT, ask.deadline))) {
            return late(ask);
        }
    }
    return {};
}

Result<void> receiveAll(const Ask& ask, const Fd& fd, std::span<uint8_t> into) {
    while (!into.empty()) {
        if (!TRY(waitFor(ask, fd, POLLIN, ask.deadline))) return late(ask);
        const ssize_t count = ::recv(fd.get(), into.data(), into.size(), 0);
        if (count == 0)
            return fail(ErrorCode::ProtocolViolation, "the name server " + ask.server.toText() + " hung up");
        if (count < 0 && errno != EAGAIN && errno != EINTR) return unreachable(ask, errno);
        if (count > 0) into = into.subspan(static_cast<size_t>(count));
    }
    return {};
}

Result<Response> askTcp(const Ask& ask) {
    const Fd fd = TRY(connectTo(ask, SOCK_STREAM));
    std::vector<uint8_t> framed = {static_cast<uint8_t>(ask.query.size() >> 8), static_cast<uint8_t>(ask.query.size())};
    framed.insert(framed.end(), ask.query.begin(), ask.query.end());
    TRY_VOID(sendAll(ask, fd, framed));
    std::array<uint8_t, lengthBytes> length{};
    TRY_VOID(receiveAll(ask, fd, length));
    std::vector<uint8_t> bytes(static_cast<size_t>(length[0] << 8 | length[1]));
    TRY_VOID(receiveAll(ask, fd, bytes));
    auto response = parseResponse(bytes);
    if (response && !isOurs(ask, response))
        return fail(ErrorCode::ProtocolViolation,
                    "the name server " + ask.server.toText() + " answered something else");
    return response;
}

}  // namespace

Result<Response> ask(const Endpoint& server, const Name& name, uint16_t type, int64_t timeoutMs, Transport transport) {
    Ask asking{server, name, type, randomId(), {}, nowMs() + timeoutMs};
    asking.query = writeQuery(asking.id, name, type);
    if (transport == Transport::tcp) return askTcp(asking);
    Response response = TRY(askUdp(asking));
    if (response.isTruncated()) return askTcp(asking);
    return response;
}

Result<ResolvedAddresses> resolveA(std::string_view server, std::string_view nameText, int64_t timeoutMs) {
    const Endpoint endpoint = TRY(Endpoint::fromText(server));
    const Name asked = TRY(Name::fromText(nameText));
    const Response response = TRY(ask(endpoint, asked, type::a, timeoutMs));
    if (response.rcode != rcode::noError && response.rcode != rcode::nameError)
        return fail(ErrorCode::VerificationFailed, "the name server " + endpoint.toText() + " answered RCODE " +
                                                       std::to_string(response.rcode) + " for " + asked.toText());
    ResolvedAddresses resolved;
    resolved.authoritative = response.isAuthoritative();
    resolved.ttlSeconds = ttlMax;
    Name name = asked;
    for (const ReceivedRecord& record : response.answers) {
        if (record.name != name) continue;
        if (record.type != type::a && record.type != type::cname) continue;
        resolved.ttlSeconds = std::min(resolved.ttlSeconds, record.ttlSeconds);
        if (record.type == type::a)
            resolved.addresses.push_back(rdataToText(type::a, record.data));
        else
            name = Name(nameInRdata(record.data));
    }
    if (resolved.addresses.empty())
        return fail(ErrorCode::NotFound,
                    "the name server " + endpoint.toText() + " has no address for " + asked.toText());
    return resolved;
}

Result<uint32_t> zoneSerial(std::string_view server, std::string_view zone, int64_t timeoutMs) {
    const Endpoint endpoint = TRY(Endpoint::fromText(server));
    const Name origin = TRY(Name::fromText(zone));
    const Response response = TRY(ask(endpoint, origin, type::soa, timeoutMs));
    for (const ReceivedRecord& record : response.answers) {
        if (!response.isAuthoritative() || record.type != type::soa || record.name != origin) continue;
        WireReader reader({reinterpret_cast<const uint8_t*>(record.data.data()), record.data.size()});
        reader.plainName();
        reader.plainName();
        return reader.u32();
    }
    return fail(ErrorCode::VerificationFailed,
                "the name server " + endpoint.toText() + " is not authoritative for " + origin.toText());
}

}  // namespace swb::dns
