#include "dns/tcp_worker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dns/answer.h"
#include "dns/peer_handler.h"

namespace swb::dns {
namespace {

constexpr size_t chunkBytes = 16 << 10;
constexpr size_t outputHighMark = 128 << 10;  // no further query is answered before the client has read this much
constexpr size_t lengthBytes = 2;
constexpr int eventsMax = 64;
constexpr int64_t idleCheckMs = 250;
constexpr size_t turnBytes = 256 << 10;  // sent to one connection before the others have their turn
constexpr int64_t endingMs = 1000;       // for the client to see the FIN and end its side
constexpr size_t endingMax = 128;        // beyond, connections are closed at once
constexpr int64_t streamMs =
    15 * 60'000;  // for a whole transfer: a client that reads in crumbs must not keep it for ever

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
      reply_(lengthBytes + messageBytesMax) {
    context_.setIdleTimeout(idleTimeoutMs_);
}

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
            if (connection != connections_.end())
                decide(fd, connection->second, progress(connection->second));
            else if (std::any_of(listeners_.begin(), listeners_.end(),
                                 [&](const Fd& listener) { return listener.get() == fd; }))
                acceptFrom(fd);
        }
        if (clock_.monotonic() < nextIdleCheck) continue;
        endIdle();
        nextIdleCheck = clock_.monotonic() + idleCheckMs;
    }
}

void TcpWorker::acceptFrom(int listener) {
    SocketAddress peer;
    Fd fd(::accept4(listener, peer.pointer(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.valid()) return admit(std::move(fd), peer.endpoint());
    // Out of descriptors, the listener would stay readable and this loop spin: make room at the idle ones' cost.
    if ((errno == EMFILE || errno == ENFILE) && !closeLongestIdle()) ::usleep(10'000);
}

void TcpWorker::admit(Fd fd, const Endpoint& client) {
    if (connections_.size() - ending_ >= connectionsMax_) closeLongestIdle();
    const int number = fd.get();
    Connection& connection = connections_[number];
    connection.fd = std::move(fd);
    connection.client = client;
    connection.lastProgress = clock_.monotonic();
    size_t& ofClient = perClient_[client.address];
    ++ofClient;
    epoll_event event{EPOLLIN, {.fd = number}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event) != 0) return close(number);
    if (ofClient <= connectionsPerClient_) return;
    refusedConnections.fetch_add(1, std::memory_order_relaxed);
    end(number, connection);
}

void TcpWorker::decide(int fd, Connection& connection, Fate fate) {
    if (fate == Fate::close) return close(fd);
    watch(connection, fate == Fate::again);
}

TcpWorker::Fate TcpWorker::progress(Connection& connection) {
    if (connection.ending) return discardInput(connection);
    if (!connection.watchesOutput && readInput(connection) == Fate::close) return Fate::close;
    const SnapshotCell::Reader::Guard guard(reader_);
    for (size_t sent = 0;;) {
        const size_t before = connection.outputSent;
        const size_t waiting = connection.output.size();
        if (writeOutput(connection) == Fate::close) return Fate::close;
        if (connection.outputSent < connection.output.size()) return Fate::keep;
        sent += waiting - before;
        if (sent >= turnBytes) return Fate::again;
        produceOutput(connection, guard.zones());
        if (!connection.output.empty()) continue;
        // Everything that came is answered and gone.
        return connection.inputEnded ? Fate::close : Fate::keep;
    }
}

TcpWorker::Fate TcpWorker::readInput(Connection& connection) {
    const ssize_t count = ::recv(connection.fd.get(), chunk_.data(), chunk_.size(), MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR ? Fate::keep : Fate::close;
    if (count == 0) connection.inputEnded = true;
    connection.input.insert(connection.input.end(), chunk_.begin(), chunk_.begin() + count);
    return Fate::keep;
}

TcpWorker::Fate TcpWorker::discardInput(Connection& connection) {
    const ssize_t count = ::recv(connection.fd.get(), chunk_.data(), chunk_.size(), MSG_DONTWAIT);
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)) ? Fate::keep : Fate::close;
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

// Precondition: the output has been sent. Leaves it empty only when there is nothing to say.
void TcpWorker::produceOutput(Connection& connection, const ZoneSet& zones) {
    std::vector<uint8_t>& input = connection.input;
    size_t at = 0;
    context_.refresh();
    while (connection.output.size() < outputHighMark) {
        if (connection.stream) {
            fillFromStream(connection);
            continue;
        }
        if (input.size() - at < lengthBytes) break;
        const size_t length = static_cast<size_t>(input[at] << 8 | input[at + 1]);
        if (input.size() - at - lengthBytes < length) break;
        const size_t replied = replyTo(connection, {input.data() + at + lengthBytes, length}, zones);
        at += lengthBytes + length;
        connection.lastProgress = clock_.monotonic();
        if (replied > 0) queueReply(connection, replied);
    }
    input.erase(input.begin(), input.begin() + static_cast<ptrdiff_t>(at));
}

void TcpWorker::fillFromStream(Connection& connection) {
    const size_t length = connection.stream->next(std::span(reply_).subspan(lengthBytes));
    if (length == 0)
        connection.stream.reset();
    else
        queueReply(connection, length);
}

// The length of the reply in reply_, behind the place for the length; 0 when there is none, or a stream of them.
size_t TcpWorker::replyTo(Connection& connection, std::span<const uint8_t> message, const ZoneSet& zones) {
    if (message.size() < headerBytes) return 0;
    const std::span<uint8_t> out = std::span(reply_).subspan(lengthBytes);
    const Query query = parseQuery(message);
    PeerHandler* peers = context_.peers();
    if (!peers || !isForPeers(query)) return answer(query, context_.forClient(connection.client.address), zones, out);
    PeerHandler::TcpReply reply = peers->handleTcp(message, query, connection.client, zones, out);
    connection.stream = std::move(reply.stream);
    connection.streamEndsBy = clock_.monotonic() + streamMs;
    return connection.stream ? 0 : reply.bytes;
}

void TcpWorker::queueReply(Connection& connection, size_t length) {
    reply_[0] = static_cast<uint8_t>(length >> 8);
    reply_[1] = static_cast<uint8_t>(length);
    connection.output.insert(connection.output.end(), reply_.begin(),
                             reply_.begin() + static_cast<ptrdiff_t>(lengthBytes + length));
    answers.fetch_add(1, std::memory_order_relaxed);
}

// A connection whose turn was long enough is looked at again as soon as the others had theirs.
void TcpWorker::watch(Connection& connection, bool again) {
    const bool wantsOutput = again || connection.outputSent < connection.output.size();
    if (wantsOutput == connection.watchesOutput) return;
    connection.watchesOutput = wantsOutput;
    epoll_event event{wantsOutput ? EPOLLOUT : EPOLLIN, {.fd = connection.fd.get()}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.fd.get(), &event);
}

void TcpWorker::end(int fd, Connection& connection) {
    // While it reads slowly it would not see the FIN either.
    if (connection.ending || connection.inputEnded || !connection.output.empty() || ending_ >= endingMax ||
        ::shutdown(fd, SHUT_WR) != 0)
        return close(fd);
    connection.ending = true;
    ++ending_;
    forgetClient(connection);
    connection.lastProgress = clock_.monotonic();
    connection.input = {};
    connection.stream.reset();
    watch(connection, false);
}

void TcpWorker::close(int fd) {
    const auto connection = connections_.find(fd);
    if (connection == connections_.end()) return;
    if (connection->second.ending)
        --ending_;
    else
        forgetClient(connection->second);
    connections_.erase(connection);
}

void TcpWorker::forgetClient(const Connection& connection) {
    const auto ofClient = perClient_.find(connection.client.address);
    if (ofClient != perClient_.end() && --ofClient->second == 0) perClient_.erase(ofClient);
}

// One that is ending already goes last: it is about to make room anyway.
bool TcpWorker::closeLongestIdle() {
    const auto rank = [](const Connection& connection) {
        return std::pair(connection.ending, connection.lastProgress);
    };
    const auto longest =
        std::min_element(connections_.begin(), connections_.end(),
                         [&](const auto& left, const auto& right) { return rank(left.second) < rank(right.second); });
    if (longest == connections_.end()) return false;
    close(longest->first);
    return true;
}

void TcpWorker::endIdle() {
    const MonotonicMs now = clock_.monotonic();
    std::vector<int> idle;
    for (const auto& [fd, connection] : connections_) {
        const int64_t patience = connection.ending ? endingMs : idleTimeoutMs_;
        const bool streamLate = connection.stream && connection.streamEndsBy < now;
        if (connection.lastProgress < now - patience || streamLate) idle.push_back(fd);
    }
    for (const int fd : idle) end(fd, connections_.at(fd));
}

}  // namespace swb::dns
