// The TCP thread: any number of connections on one epoll.
//
// A connection's queries are answered in the order they came, as many as have arrived, and their replies leave in one
// write, each behind its length. While a client does not take its replies nothing more is read from it. A connection
// ends when the client ends it, stays idle too long, or must make room. A message that is no query is passed over.
#pragma once

#include <atomic>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "dns/address.h"
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
        IpAddress client;
        MonotonicMs lastProgress = 0;  // a whole query came, or reply bytes left
        std::vector<uint8_t> input;    // at most one incomplete message, or what waits for the client to read
        std::vector<uint8_t> output;
        size_t outputSent = 0;
        bool inputEnded = false;
        bool watchesOutput = false;
    };
    enum class Fate : uint8_t { keep, close };

    void acceptFrom(int listener);
    void admit(Fd fd, const IpAddress& client);
    Fate progress(Connection& connection);
    Fate readInput(Connection& connection);
    Fate writeOutput(Connection& connection);
    void answerInput(Connection& connection, const ZoneSet& zones);
    void watch(Connection& connection);
    void close(int fd);
    bool closeLongestIdle();
    void closeIdle();

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
    std::vector<uint8_t> chunk_;
    std::vector<uint8_t> reply_;
};

}  // namespace swb::dns
