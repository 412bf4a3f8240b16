#include "dns/tcp_worker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dns/answer.h"

namespace swb::dns {
namespace {

constexpr size_t chunkBytes = 16 << 10;
constexpr size_t outputHighMark = 128 << 10;  // no further query is answered before the client has read this much
constexpr size_t lengthBytes = 2;
constexpr int eventsMax = 64;
constexpr int64_t idleCheckMs = 250;

}  // namespace

TcpWorker::TcpWorker(std::vector<Fd> listeners, const ServerOptions& options, SnapshotCell& cell,
                     const AnswerSettings& settings)
    : listeners_(std::move(listeners)),
      connectionsMax_(std::max<size_t>(options.tcpConnectionsMax, 1)),
      connectionsPerClient_(std::max<size_t>(options.tcpConnectionsPerClient, 1)),
      idleTimeoutMs_(options.tcpIdleTimeoutMs),
      reader_(cell),
      context_(settings, Transport::tcp),
      chunk_(chunkBytes),
      reply_(lengthBytes + messageBytesMax) {}

Result<void> TcpWorker::prepare(int stopSignal) {
    epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    const auto add = [&](int fd) {
        epoll_event event{EPOLLIN, {.fd = fd}};
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
    };
    bool added = epoll_.valid() && add(stopSignal);
    for (const Fd& listener : listeners_) added = added && add(listener.get());
    if (!added)
        return fail(ErrorCode::StorageFailed, std::string("cannot watch the TCP sockets: ") + std::strerror(errno));
    return {};
}

void TcpWorker::run(int stopSignal) {
    std::array<epoll_event, eventsMax> events;
    MonotonicMs nextIdleCheck = 0;
    while (true) {
        const int timeout = connections_.empty() ? -1 : static_cast<int>(idleCheckMs);
        const int count = ::epoll_wait(epoll_.get(), events.data(), eventsMax, timeout);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<size_t>(i)].data.fd;
            if (fd == stopSignal) return;
            const auto connection = connections_.find(fd);
            if (connection != connections_.end()) {
                if (progress(connection->second) == Fate::close) close(fd);
            } else if (std::any_of(listeners_.begin(), listeners_.end(),
                                   [&](const Fd& listener) { return listener.get() == fd; })) {
                acceptFrom(fd);
            }
        }
        if (clock_.monotonic() < nextIdleCheck) continue;
        closeIdle();
        nextIdleCheck = clock_.monotonic() + idleCheckMs;
    }
}

void TcpWorker::acceptFrom(int listener) {
    SocketAddress peer;
    Fd fd(::accept4(listener, peer.pointer(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.valid()) return admit(std::move(fd), peer.endpoint().address);
    // Out of descriptors, the listener would stay readable and this loop spin: make room at the idle ones' cost.
    if ((errno == EMFILE || errno == ENFILE) && !closeLongestIdle()) ::usleep(10'000);
}

void TcpWorker::admit(Fd fd, const IpAddress& client) {
    size_t& ofClient = perClient_[client];
    if (ofClient >= connectionsPerClient_) {
        refusedConnections.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    ++ofClient;
    if (connections_.size() >= connectionsMax_) closeLongestIdle();
    const int number = fd.get();
    Connection& connection = connections_[number];
    connection.fd = std::move(fd);
    connection.client = client;
    connection.lastProgress = clock_.monotonic();
    epoll_event event{EPOLLIN, {.fd = number}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event) != 0) close(number);
}

TcpWorker::Fate TcpWorker::progress(Connection& connection) {
    if (!connection.watchesOutput && readInput(connection) == Fate::close) return Fate::close;
    const SnapshotCell::Reader::Guard guard(reader_);
    while (true) {
        if (writeOutput(connection) == Fate::close) return Fate::close;
        if (connection.outputSent < connection.output.size()) break;
        const size_t waiting = connection.input.size();
        answerInput(connection, guard.zones());
        if (connection.input.size() == waiting) {
            // Everything that came is answered and gone.
            if (connection.inputEnded) return Fate::close;
            break;
        }
    }
    watch(connection);
    return Fate::keep;
}

TcpWorker::Fate TcpWorker::readInput(Connection& connection) {
    const ssize_t count = ::recv(connection.fd.get(), chunk_.data(), chunk_.size(), MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR ? Fate::keep : Fate::close;
    if (count == 0) connection.inputEnded = true;
    connection.input.insert(connection.input.end(), chunk_.begin(), chunk_.begin() + count);
    return Fate::keep;
}

TcpWorker::Fate TcpWorker::writeOutput(Connection& connection) {
    while (connection.outputSent < connection.output.size()) {
        const ssize_t count = ::send(connection.fd.get(), connection.output.data() + connection.outputSent,
                                     connection.output.size() - connection.outputSent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == EAGAIN ? Fate::keep : Fate::close;
        connection.outputSent += static_cast<size_t>(count);
        connection.lastProgress = clock_.monotonic();
    }
    connection.output.clear();
    connection.outputSent = 0;
    return Fate::keep;
}

void TcpWorker::answerInput(Connection& connection, const ZoneSet& zones) {
    std::vector<uint8_t>& input = connection.input;
    size_t at = 0;
    context_.refresh();
    const AnswerContext& context = context_.forClient(connection.client);
    while (input.size() - at >= lengthBytes && connection.output.size() < outputHighMark) {
        const size_t length = static_cast<size_t>(input[at] << 8 | input[at + 1]);
        if (input.size() - at - lengthBytes < length) break;
        const size_t replied =
            answer({input.data() + at + lengthBytes, length}, context, zones, std::span(reply_).subspan(lengthBytes));
        at += lengthBytes + length;
        connection.lastProgress = clock_.monotonic();
        if (replied == 0) continue;
        reply_[0] = static_cast<uint8_t>(replied >> 8);
        reply_[1] = static_cast<uint8_t>(replied);
        connection.output.insert(connection.output.end(), reply_.begin(),
                                 reply_.begin() + static_cast<ptrdiff_t>(lengthBytes + replied));
        answers.fetch_add(1, std::memory_order_relaxed);
    }
    input.erase(input.begin(), input.begin() + static_cast<ptrdiff_t>(at));
}

void TcpWorker::watch(Connection& connection) {
    const bool wantsOutput = connection.outputSent < connection.output.size();
    if (wantsOutput == connection.watchesOutput) return;
    connection.watchesOutput = wantsOutput;
    epoll_event event{wantsOutput ? EPOLLOUT : EPOLLIN, {.fd = connection.fd.get()}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd.get(), &event);
}

void TcpWorker::close(int fd) {
    const auto connection = connections_.find(fd);
    if (connection == connections_.end()) return;
    const auto ofClient = perClient_.find(connection->second.client);
    if (ofClient != perClient_.end() && --ofClient->second == 0) perClient_.erase(ofClient);
    connections_.erase(connection);
}

bool TcpWorker::closeLongestIdle() {
    const auto longest = std::min_element(
        connections_.begin(), connections_.end(),
        [](const auto& left, const auto& right) { return left.second.lastProgress < right.second.lastProgress; });
    if (longest == connections_.end()) return false;
    close(longest->first);
    return true;
}

void TcpWorker::closeIdle() {
    const MonotonicMs oldest = clock_.monotonic() - idleTimeoutMs_;
    std::vector<int> idle;
    for (const auto& [fd, connection] : connections_)
        if (connection.lastProgress < oldest) idle.push_back(fd);
    for (const int fd : idle) close(fd);
}

}  // namespace swb::dns
