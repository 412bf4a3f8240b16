// One UDP thread: reads queries in batches, answers them, sends the replies in batches.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <vector>

#include "base/fd.h"
#include "dns/protocol.h"
#include "dns/snapshot_cell.h"

namespace swb::dns {

class UdpWorker {
  public:
    UdpWorker(std::vector<Fd> sockets, SnapshotCell& cell);
    UdpWorker(const UdpWorker&) = delete;
    UdpWorker& operator=(const UdpWorker&) = delete;

    // Until stopSignal becomes readable.
    void run(int stopSignal);

    std::atomic<uint64_t> answers{0};
    std::atomic<uint64_t> dropped{0};

  private:
    static constexpr unsigned batch = 64;
    // A longer query is cut and so malformed: no query this server understands is longer.
    static constexpr size_t queryBytes = 4096;

    struct Slot {
        sockaddr_storage client;
        iovec queryPart;
        iovec replyPart;
        std::array<uint8_t, queryBytes> query;
        std::array<uint8_t, ednsUdpBytes> reply;
    };

    void serve(int socket);
    void send(int socket, unsigned count);

    std::vector<Fd> sockets_;
    SnapshotCell::Reader reader_;
    std::vector<Slot> slots_;
    std::array<mmsghdr, batch> received_{};
    std::array<mmsghdr, batch> replies_{};
};

}  // namespace swb::dns
