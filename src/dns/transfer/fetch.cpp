#include "dns/transfer/fetch.h"

#include <poll.h>
#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "dns/soa.h"

namespace swb::dns::transfer {
namespace {

constexpr size_t lengthBytes = 2;

class Exchange {
  public:
    Exchange(const FetchRequest& request, const Clock& clock, int stopSignal)
        : request_(request), clock_(clock), stopSignal_(stopSignal), deadline_(clock.monotonic() + request.timeoutMs) {}

    Result<void> connect() {
        const bool isIpv4 = request_.primary.address.family == AddressFamily::ipv4;
        fd_ = Fd(::socket(isIpv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!fd_.valid()) return unreachable(errno);
        if (request_.from) {
            const SocketAddress own = SocketAddress::of({*request_.from, 0});
            if (::bind(fd_.get(), own.pointer(), own.size) != 0) return unreachable(errno);
        }
        const SocketAddress peer = SocketAddress::of(request_.primary);
        if (::connect(fd_.get(), peer.pointer(), peer.size) == 0) return {};
        if (errno != EINPROGRESS) return unreachable(errno);
        TRY_VOID(waitFor(POLLOUT));
        int problem = 0;
        socklen_t size = sizeof(problem);
        ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem != 0) return unreachable(problem);
        return {};
    }

    Result<void> send(std::span<const uint8_t> message) {
        std::vector<uint8_t> framed = {static_cast<uint8_t>(message.size() >> 8), static_cast<uint8_t>(message.size())};
        framed.insert(framed.end(), message.begin(), message.end());
        for (size_t at = 0; at < framed.size();) {
            const ssize_t count = ::send(fd_.get(), framed.data() + at, framed.size() - at, MSG_NOSIGNAL);
            if (count > 0)
                at += static_cast<size_t>(count);
            else if (errno == EAGAIN)
                TRY_VOID(waitFor(POLLOUT));
            else if (errno != EINTR)
                return unreachable(errno);
        }
        return {};
    }

    // Valid until the next call.
    Result<std::span<const uint8_t>> receive() {
        std::array<uint8_t, lengthBytes> length{};
        TRY_VOID(receiveAll(length));
        buffer_.resize(static_cast<size_t>(length[0] << 8 | length[1]));
        TRY_VOID(receiveAll(buffer_));
        return std::span<const uint8_t>(buffer_);
    }

  private:
    tl::unexpected<Error> unreachable(int problem) const {
        return fail(ErrorCode::Unreachable,
                    "the primary " + request_.primary.toText() + " cannot be reached: " + std::strerror(problem));
    }

    Result<void> waitFor(short events) {
        std::array<pollfd, 2> watched{pollfd{fd_.get(), events, 0}, pollfd{stopSignal_, POLLIN, 0}};
        while (true) {
            const int64_t left = std::min(deadline_ - clock_.monotonic(), request_.idleTimeoutMs);
            const int ready = left <= 0 ? 0 : ::poll(watched.data(), watched.size(), static_cast<int>(left));
            if (ready < 0 && errno == EINTR) continue;
            if (ready < 0) return unreachable(errno);
            if (ready == 0 || watched[1].revents != 0)
                return fail(ErrorCode::DeadlineExceeded,
                            "the primary " + request_.primary.toText() + " did not answer in time");
            return {};
        }
    }

    Result<void> receiveAll(std::span<uint8_t> into) {
        while (!into.empty()) {
            const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), 0);
            if (count > 0)
                into = into.subspan(static_cast<size_t>(count));
            else if (count == 0)
                return fail(ErrorCode::ProtocolViolation,
                            "the primary " + request_.primary.toText() + " hung up in the middle of the transfer");
            else if (errno == EAGAIN)
                TRY_VOID(waitFor(POLLIN));
            else if (errno != EINTR)
                return unreachable(errno);
        }
        return {};
    }

    const FetchRequest& request_;
    const Clock& clock_;
    const int stopSignal_;
    const MonotonicMs deadline_;
    Fd fd_;
    std::vector<uint8_t> buffer_;
};

UnixSeconds secondsOf(const Clock& clock) {
    return static_cast<UnixSeconds>(clock.now() / 1000);
}

Result<ReceivedTransfer> readReply(const FetchRequest& request, uint16_t id, Exchange& exchange, TsigVerifier* verifier,
                                   const Clock& clock) {
    TransferReader reader(request.origin, id, request.serial);
    std::vector<uint8_t> stripped;
    while (true) {
        std::span<const uint8_t> message = TRY(exchange.receive());
        if (verifier) {
            TRY(verifier->receive(message, secondsOf(clock)));
            TsigRecord record;
            if (findTsig(message, record) == TsigFound::yes) {
                stripped = withoutTsig(message, record);
                message = stripped;
            }
        }
        if (!TRY(reader.take(message))) continue;
        if (verifier && !verifier->complete())
            return fail(ErrorCode::ProtocolViolation, "the last message of the transfer is not signed");
        return reader.result();
    }
}

}  // namespace

std::vector<uint8_t> transferQuery(uint16_t id, const Name& origin, std::optional<uint32_t> serial) {
    std::vector<uint8_t> bytes(plainUdpBytes * 2);
    WireWriter writer(bytes);
    const uint16_t authorities = serial ? 1 : 0;
    for (const uint16_t word : {id, uint16_t{0}, uint16_t{1}, uint16_t{0}, authorities, uint16_t{0}}) writer.u16(word);
    writer.compressedName(origin);
    writer.u16(serial ? type::ixfr : type::axfr);
    writer.u16(recordClass::internet);
    if (serial) {
        const NameView root;
        const Rdata soa = soaData(root, root, {*serial, 0, 0, 0, 0});
        writer.compressedName(origin);
        writer.u16(type::soa);
        writer.u16(recordClass::internet);
        writer.u32(0);
        writer.u16(static_cast<uint16_t>(soa.size()));
        writer.bytes(soa);
    }
    bytes.resize(writer.size());
    return bytes;
}

Result<ReceivedTransfer> fetchZone(const FetchRequest& request, const Clock& clock, int stopSignal) {
    uint16_t id = 0;
    if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(clock.monotonic());
    std::vector<uint8_t> query = transferQuery(id, request.origin, request.serial);
    std::optional<TsigVerifier> verifier;
    if (request.key) {
        TsigSigner signer(request.key);
        const size_t length = query.size();
        query.resize(length + signer.recordBytes());
        query.resize(signer.sign(query, length, secondsOf(clock)));
        verifier.emplace(request.key, signer.mac());
    }
    Exchange exchange(request, clock, stopSignal);
    TRY_VOID(exchange.connect());
    TRY_VOID(exchange.send(query));
    return readReply(request, id, exchange, verifier ? &*verifier : nullptr, clock);
}

}  // namespace swb::dns::transfer
