// One UDP thread: reads queries in batches, answers them, sends the replies in batches.
//
// With one socket the thread sleeps in the receiving call itself, which saves a system call for each batch; with
// several it polls them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <vector>

#include "base/fd.h"
#include "dns/look_ahead.h"
#include "dns/protocol.h"
#include "dns/snapshot_cell.h"
#include "dns/worker_context.h"

namespace swb::dns {

class UdpWorker {
  public:
    UdpWorker(std::vector<Fd> sockets, SnapshotCell& cell, const AnswerSettings& settings);
    UdpWorker(const UdpWorker&) = delete;
    UdpWorker& operator=(const UdpWorker&) = delete;

    // Until requestStop(); stopSignal is readable from then on.
    void run(int stopSignal);
    // From another thread.
    void requestStop();

    std::atomic<uint64_t> answers{0};
    std::atomic<uint64_t> dropped{0};
    std::atomic<uint64_t> overLimit{0};

  private:
    static constexpr unsigned batch = LookAhead::queriesMax;
    // A longer query is cut and so malformed: no query this server understands is longer.
    static constexpr size_t queryBytes = 4096;

    struct Slot {
        sockaddr_storage client;
        iovec queryPart;
        iovec replyPart;
        Query parsed;
        std::array<uint8_t, queryBytes> query;
        std::array<uint8_t, ednsUdpBytes> reply;
    };

    void runBlocking();
    void runPolling(int stopSignal);
    void serve(int socket, int receiveFlags);
    void parse(unsigned count, const ZoneSet& zones);
    size_t reply(Slot& slot, size_t queryLength, const ZoneSet& zones);
    void send(int socket, unsigned count);

    std::vector<Fd> sockets_;
    SnapshotCell::Reader reader_;
    WorkerContext context_;
    std::atomic<bool> stopping_{false};
    std::vector<Slot> slots_;
    std::array<mmsghdr, batch> received_{};
    std::array<mmsghdr, batch> replies_{};
};

}  // namespace swb::dns
