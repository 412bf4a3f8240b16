// The TCP thread: any number of connections on one epoll.
//
// A connection's queries are answered in the order they came, as many as have arrived, and their replies leave in one
// write, each behind its length. While a client does not take its replies nothing more is read from it. A zone transfer
// is made message by message as its client reads, with turns for everyone else in between. A connection ends when the
// client ends it, stays idle too long, or must make room. Ended by the server, it first says so (FIN) and takes what
// the client was about to send, so that no reply is lost to a reset. A message that is no query is passed over.
#pragma once

#include <atomic>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "dns/address.h"
#include "dns/peer_handler.h"
#include "dns/server.h"
#include "dns/snapshot_cell.h"
#include "dns/worker_context.h"

namespace swb::dns {

class TcpWorker {
  public:
    TcpWorker(std::vector<Fd> listeners, const ServerOptions& options, SnapshotCell& cell,
              const AnswerSettings& settings);
    TcpWorker(const TcpWorker&) = delete;
    TcpWorker& operator=(const TcpWorker&) = delete;

    // Until stopSignal becomes readable.
    Result<void> prepare(int stopSignal);
    void run(int stopSignal);

    std::atomic<uint64_t> answers{0};
    std::atomic<uint64_t> refusedConnections{0};

  private:
    struct Connection {
        Fd fd;
        Endpoint client;
        MonotonicMs lastProgress = 0;  // a whole query came, or reply bytes left
        std::vector<uint8_t> input;    // at most one incomplete message, or what waits for the client to read
        std::vector<uint8_t> output;
        size_t outputSent = 0;
        std::unique_ptr<ReplyStream> stream;  // of the query before those in input
        MonotonicMs streamEndsBy = 0;
        bool inputEnded = false;
        bool watchesOutput = false;
        bool ending = false;  // the server has said FIN; what comes is thrown away
    };
    // again: there is more to do, but others are to have a turn.
    enum class Fate : uint8_t { keep, again, close };

    void acceptFrom(int listener);
    void admit(Fd fd, const Endpoint& client);
    void decide(int fd, Connection& connection, Fate fate);
    Fate progress(Connection& connection);
    Fate readInput(Connection& connection);
    Fate discardInput(Connection& connection);
    Fate writeOutput(Connection& connection);
    void produceOutput(Connection& connection, const ZoneSet& zones);
    void fillFromStream(Connection& connection);
    size_t replyTo(Connection& connection, std::span<const uint8_t> message, const ZoneSet& zones);
    void queueReply(Connection& connection, size_t length);
    void watch(Connection& connection, bool again);
    void end(int fd, Connection& connection);
    void close(int fd);
    void forgetClient(const Connection& connection);
    bool closeLongestIdle();
    void endIdle();

    const std::vector<Fd> listeners_;
    const size_t connectionsMax_;
    const size_t connectionsPerClient_;
    const int64_t idleTimeoutMs_;
    SnapshotCell::Reader reader_;
    WorkerContext context_;
    SystemClock clock_;
    Fd epoll_;
    std::unordered_map<int, Connection> connections_;
    std::map<IpAddress, size_t> perClient_;
    size_t ending_ = 0;  // connections in that state
    std::vector<uint8_t> chunk_;
    std::vector<uint8_t> reply_;
};

}  // namespace swb::dns
