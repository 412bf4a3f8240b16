#include "driver/support/copy_channel.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/log.h"
#include "driver/support/broken_pipe.h"
#include "driver/support/timing.h"

namespace swb::driver {

namespace {

constexpr int64_t handshakeMs = 5000;
constexpr int64_t lockSliceMs = 100, lockWaitMs = 15'000;

Context limitsOf(int64_t milliseconds, std::function<bool()> cancelled) {
    Context limits;
    limits.deadline = SystemClock().monotonic() + milliseconds;
    limits.cancelled = std::move(cancelled);
    return limits;
}

Result<FrameType> readFrame(TlsStream& stream, std::string& payload, const Context& limits) {
    char bytes[frameHeadBytes];
    TRY_VOID(stream.readAll(bytes, sizeof bytes, limits));
    const FrameHead head = TRY(parseFrameHead({bytes, sizeof bytes}));
    payload.resize(head.payloadBytes);
    TRY_VOID(stream.readAll(payload.data(), payload.size(), limits));
    return head.type;
}

Result<Fd> listenAt(const sockaddr* address, socklen_t size, int family) {
    Fd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    constexpr int backlog = 16;
    if (!listener.valid() || ::bind(listener.get(), address, size) != 0 || ::listen(listener.get(), backlog) != 0)
        return fail(ErrorCode::Unreachable, std::string("cannot listen for copies: ") + std::strerror(errno));
    return listener;
}

Result<Fd> listenAt(const HostPort& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found))
        return fail(ErrorCode::Unreachable, address.host + " is not known: " + ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    auto listener = listenAt(list->ai_addr, list->ai_addrlen, list->ai_family);
    if (listener || errno != EADDRNOTAVAIL) return listener;
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_addr = in6addr_any;
    any.sin6_port = htons(address.port);
    if (auto everywhere = listenAt(reinterpret_cast<const sockaddr*>(&any), sizeof any, AF_INET6)) return everywhere;
    sockaddr_in old{};
    old.sin_family = AF_INET;
    old.sin_addr.s_addr = INADDR_ANY;
    old.sin_port = htons(address.port);
    return listenAt(reinterpret_cast<const sockaddr*>(&old), sizeof old, AF_INET);
}

}  // namespace

Result<void> CopySink::send(FrameType type, std::string_view payload) {
    const Context limits = limitsOf(copyStallMs, cancelled_);
    TRY_VOID(stream_.writeAll(frameHead(type, payload.size()), limits));
    return stream_.writeAll(payload, limits);
}

Result<void> CopySink::header(const JsonObject& header) {
    return send(FrameType::header, toText(header));
}

Result<void> CopySink::data(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, dataFrameBytesMax);
        TRY_VOID(send(FrameType::data, piece));
        bytes.remove_prefix(piece.size());
    }
    return {};
}

Result<void> CopySink::end(const JsonObject& end) {
    return send(FrameType::end, toText(end));
}

Result<std::unique_ptr<CopyService>> CopyService::listen(const HostPort& address, std::string database,
                                                         TlsDirectory tls, Give give) {
    Fd listener = TRY(listenAt(address));
    return std::unique_ptr<CopyService>(
        new CopyService(address, std::move(database), std::move(tls), std::move(give), std::move(listener)));
}

CopyService::CopyService(HostPort address, std::string database, TlsDirectory tls, Give give, Fd listener)
    : address_(std::move(address)),
      database_(std::move(database)),
      tls_(std::move(tls)),
      give_(std::move(give)),
      listener_(std::move(listener)),
      accepting_([this] { acceptAll(); }) {}

CopyService::~CopyService() {
    stopping_ = true;
    accepting_.join();
    for (auto& one : served_) one.thread.join();
}

void CopyService::joinEnded() {
    std::erase_if(served_, [](Served& one) {
        if (!*one.ended) return false;
        one.thread.join();
        return true;
    });
}

void CopyService::acceptAll() {
    constexpr int lookMs = 100;
    while (!stopping_) {
        pollfd waited{listener_.get(), POLLIN, 0};
        if (::poll(&waited, 1, lookMs) <= 0) continue;
        Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        joinEnded();
        if (!socket.valid() || served_.size() >= connectionsMax) continue;
        auto ended = std::make_shared<std::atomic<bool>>(false);
        served_.push_back({std::thread([this, ended, taken = std::move(socket)]() mutable {
                               serve(std::move(taken));
                               *ended = true;
                           }),
                           ended});
    }
}

void CopyService::tellOfStranger(const Error& error) {
    constexpr int64_t everyMs = 10'000;
    const std::lock_guard lock(telling_);
    const MonotonicMs now = SystemClock().monotonic();
    if (toldAt_ != 0 && now - toldAt_ < everyMs) {
        ++untold_;
        return;
    }
    toldAt_ = now;
    logWarning("copy", "{}: somebody who asked for a copy was not let in ({} others since the last such line): {}",
               database_, std::exchange(untold_, 0), describe(error));
}

void CopyService::serve(Fd socket) {
    const IgnoreBrokenPipe guard;
    const auto stopping = [this] { return stopping_.load(); };
    const auto context = tls_.serverContext();
    auto stream = context ? TlsStream::accept(std::move(socket), context->get(), limitsOf(handshakeMs, stopping))
                          : Result<TlsStream>(fail(context.error()));
    if (!stream) return tellOfStranger(stream.error());
    if (const auto served = serveOne(*stream); !served) {
        logWarning("copy", "{}: a copy was not given: {}", database_, describe(served.error()));
        CopySink sink(*stream, stopping);
        (void)sink.end({{"error", served.error().message}});
    }
}

Result<void> CopyService::serveOne(TlsStream& stream) {
    const auto stopping = [this] { return stopping_.load(); };
    const std::string name = stream.peerCommonName();
    if (name != tls_.clientName())
        return fail(ErrorCode::CertificateRejected,
                    "the peer is " + (name.empty() ? "nobody" : name) + ", not " + tls_.clientName());
    std::string request;
    const FrameType type = TRY(readFrame(stream, request, limitsOf(handshakeMs, stopping)));
    const Json asked = TRY(parseJson(request));
    if (type != FrameType::request || textAt(asked, "database") != database_)
        return fail(ErrorCode::NotFound, "copies of " + textAt(asked, "database") + " are not given here");
    // The one before may have lost its taker, and is about to find out.
    std::unique_lock one(giving_, std::defer_lock);
    for (int64_t waited = 0; !one.try_lock_for(std::chrono::milliseconds(lockSliceMs)); waited += lockSliceMs)
        if (waited >= lockWaitMs || stopping_) break;
    if (!one.owns_lock()) return fail(ErrorCode::NotReady, "another copy is being given");
    CopySink sink(stream, stopping);
    TRY_VOID(give_(sink));
    return sink.end({});
}

Result<CopyReader> CopyReader::open(const HostPort& address, const std::string& serverName, const std::string& database,
                                    const TlsDirectory& tls, const Context& context) {
    const crypto::TlsContext ours = TRY(tls.clientContext());
    const Context limits = withDeadline(context, within(context, handshakeMs));
    CopyReader reader(TRY(TlsStream::connect(address.host, address.port, ours.get(), serverName, limits)));
    const std::string request = toText(JsonObject{{"database", database}});
    TRY_VOID(reader.stream_.writeAll(frameHead(FrameType::request, request.size()) + request, limits));
    const FrameType type = TRY(reader.read(withDeadline(context, within(context, copyStallMs))));
    const Json answer = TRY(parseJson(reader.payload_));
    if (type == FrameType::header) {
        reader.header_ = answer;
        return reader;
    }
    return fail(ErrorCode::CommandFailed,
                "the source gives no copy: " + textAt(answer, "error", "it does not say why"));
}

Result<FrameType> CopyReader::read(const Context& context) {
    return readFrame(stream_, payload_, context);
}

Result<std::string_view> CopyReader::next(const Context& context) {
    const FrameType type = TRY(read(withDeadline(context, within(context, copyStallMs))));
    if (type == FrameType::data) return std::string_view(payload_);
    if (type != FrameType::end) return fail(ErrorCode::ProtocolViolation, "the source sent something else than data");
    const Json end = TRY(parseJson(payload_));
    if (const std::string error = textAt(end, "error"); !error.empty())
        return fail(ErrorCode::CommandFailed, "the source's copy failed: " + error);
    return std::string_view();
}

}  // namespace swb::driver
