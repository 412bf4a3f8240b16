#include "dns/udp_worker.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <utility>

#include "dns/answer.h"
#include "dns/look_ahead.h"
#include "dns/peer_handler.h"

namespace swb::dns {
namespace {

// This thread alone counts; others read.
void addTo(std::atomic<uint64_t>& counter, uint64_t more) {
    counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

UdpWorker::UdpWorker(std::vector<Fd> sockets, SnapshotCell& cell, const AnswerSettings& settings)
    : sockets_(std::move(sockets)), reader_(cell), context_(settings, Transport::udp), slots_(batch) {
    for (unsigned i = 0; i < batch; ++i) {
        Slot& slot = slots_[i];
        slot.queryPart = {slot.query.data(), slot.query.size()};
        received_[i].msg_hdr.msg_name = &slot.client;
        received_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        received_[i].msg_hdr.msg_iov = &slot.queryPart;
        received_[i].msg_hdr.msg_iovlen = 1;
    }
}

void UdpWorker::run(int stopSignal) {
    if (sockets_.size() == 1)
        runBlocking();
    else
        runPolling(stopSignal);
}

void UdpWorker::requestStop() {
    stopping_.store(true);
    // The socket has no peer, so this fails, but not before it has woken a thread that waits for a query.
    for (const Fd& socket : sockets_) ::shutdown(socket.get(), SHUT_RD);
}

void UdpWorker::runBlocking() {
    const int socket = sockets_.front().get();
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) & ~O_NONBLOCK);
    while (!stopping_.load(std::memory_order_relaxed)) serve(socket, MSG_WAITFORONE);
}

void UdpWorker::runPolling(int stopSignal) {
    std::vector<pollfd> watched;
    for (const Fd& socket : sockets_) watched.push_back({socket.get(), POLLIN, 0});
    watched.push_back({stopSignal, POLLIN, 0});
    while (true) {
        if (::poll(watched.data(), watched.size(), -1) < 0) continue;  // only EINTR can happen
        if (watched.back().revents != 0) return;
        for (size_t i = 0; i < sockets_.size(); ++i)
            // One full batch is not followed by another before the other sockets had their turn.
            if (watched[i].revents != 0) serve(watched[i].fd, MSG_DONTWAIT);
    }
}

void UdpWorker::serve(int socket, int receiveFlags) {
    const int count = ::recvmmsg(socket, received_.data(), batch, receiveFlags, nullptr);
    if (count <= 0) return;
    context_.refresh();
    unsigned replyCount = 0;
    // Held until the replies have left: publish() promises that nothing old follows it.
    const SnapshotCell::Reader::Guard guard(reader_);
    parse(static_cast<unsigned>(count), guard.zones());
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
        Slot& slot = slots_[i];
        // The kernel has put the address's length there; under load most batches are small, so only these are put back.
        const socklen_t clientBytes = std::exchange(received_[i].msg_hdr.msg_namelen, sizeof(sockaddr_storage));
        const size_t length = reply(slot, received_[i].msg_len, guard.zones());
        if (length == 0) continue;
        slot.replyPart = {slot.reply.data(), length};
        msghdr& reply = replies_[replyCount++].msg_hdr;
        reply = {};
        reply.msg_name = &slot.client;
        reply.msg_namelen = clientBytes;
        reply.msg_iov = &slot.replyPart;
        reply.msg_iovlen = 1;
    }
    addTo(dropped, static_cast<unsigned>(count) - replyCount);
    overLimit.store(context_.overLimit(), std::memory_order_relaxed);
    send(socket, replyCount);
}

void UdpWorker::parse(unsigned count, const ZoneSet& zones) {
    LookAhead ahead(zones);
    for (unsigned i = 0; i < count; ++i) {
        if (received_[i].msg_len < headerBytes) continue;
        slots_[i].parsed = parseQuery(std::span(slots_[i].query.data(), received_[i].msg_len));
        ahead.add(slots_[i].parsed);
    }
    ahead.run();
}

size_t UdpWorker::reply(Slot& slot, size_t queryLength, const ZoneSet& zones) {
    if (queryLength < headerBytes) return 0;
    const std::span bytes(slot.query.data(), queryLength);
    const Query& query = slot.parsed;
    PeerHandler* peers = context_.peers();
    if (peers && isForPeers(query)) return peers->handle(bytes, query, endpointOf(slot.client), zones, slot.reply);
    return answer(query, context_.forClient(addressOf(slot.client)), zones, slot.reply);
}

void UdpWorker::send(int socket, unsigned count) {
    for (unsigned at = 0; at < count;) {
        const int sent = ::sendmmsg(socket, &replies_[at], count - at, MSG_DONTWAIT);
        if (sent > 0) {
            addTo(answers, static_cast<unsigned>(sent));
            at += static_cast<unsigned>(sent);
        } else if (errno != EINTR) {
            // The first reply cannot be sent (a client without a route, a full queue); the others still can.
            addTo(dropped, 1);
            ++at;
        }
    }
}

}  // namespace swb::dns
