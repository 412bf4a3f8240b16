// The name server: sockets and threads around answer().
//
//     n UDP threads   recvmmsg → answer × batch → sendmmsg     each with its own SO_REUSEPORT socket per endpoint
//     1 TCP thread    epoll: accept, pipelined queries, length and message in one write, time-outs, limits
//     publish()       swaps the zones for all of them at once (snapshot_cell.h)
//
// swingd makes one with the last good zones (zone_journal.h) before anything else works, and publishes to it. It binds
// to explicit addresses, so that a UDP reply leaves from the address that was asked (RFC 2181 §4). It depends on
// nothing but its memory: no store, no controller, no look-up (I11).
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "dns/address.h"
#include "dns/snapshot_cell.h"
#include "dns/worker_context.h"

namespace swb::dns {

struct ServerOptions {
    std::vector<Endpoint> endpoints;  // port 0: a free one is chosen, the same for UDP and TCP
    size_t udpThreads = 1;
    size_t tcpConnectionsMax = 512;       // at the limit the longest idle one makes room for the next
    size_t tcpConnectionsPerClient = 64;  // by address; further ones are closed at once
    int64_t tcpIdleTimeoutMs =
        10'000;  // RFC 7766 §6.2.3: some seconds; a client comes back at the cost of a round trip
    // The same on all name servers of the zone, so that each accepts the others' cookies; a second one is accepted but
    // not used, for a change of the key. Empty: a random one, good for this server alone.
    std::vector<CookieKey> cookieKeys = {};
    std::string nsid = {};  // what the server calls itself when asked (RFC 5001); empty: nothing
    RateLimitOptions rateLimit = {};
    PeerHandler* peers = nullptr;              // outlives the server
    const ZoneFreshness* freshness = nullptr;  // of zones that come from primaries; outlives the server
};

struct ServerCounters {
    uint64_t udpAnswers = 0;
    uint64_t udpDropped = 0;    // not a query, over the rate limit, or the kernel would not take the reply
    uint64_t udpOverLimit = 0;  // dropped or truncated by the rate limit
    uint64_t tcpAnswers = 0;
    uint64_t tcpRefusedConnections = 0;
};

class UdpWorker;
class TcpWorker;

class Server {
  public:
    static Result<std::unique_ptr<Server>> start(const ServerOptions& options, ZoneSetPointer zones);
    ~Server();  // stops
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Refused when checkSuccessor refuses for any zone that stays; zones may come and go. When it returns, every query
    // answered from then on is answered from these zones, and no older UDP reply leaves any more (an older TCP reply
    // may still wait for a slow client to read it).
    Result<void> publish(ZoneSetPointer zones);
    // The same for one zone; the others stay.
    Result<void> publish(ZonePointer zone);
    ZoneSetPointer zones() const { return cell_.current(); }
    // Zones come and go: this one is not answered any more.
    void withdraw(NameView origin);
    // Says in every answer (to clients that can understand it) that the zone is the last good one, because whoever
    // could change it is gone.
    void setZoneStale(bool stale) { settings_.zoneIsStale = stale; }
    // With the ports that were chosen, in the order of the options.
    const std::vector<Endpoint>& endpoints() const { return endpoints_; }
    ServerCounters counters() const;
    // Ends the threads and closes the sockets; calling it again does nothing.
    void stop();

  private:
    explicit Server(ZoneSetPointer zones);
    Result<void> publishLocked(ZoneSetPointer zones);
    Result<void> listen(const ServerOptions& options);

    SnapshotCell cell_;
    AnswerSettings settings_;
    std::mutex publishing_;
    ServerCounters finished_;  // of the workers that have ended
    Fd stopSignal_;            // an eventfd all threads watch
    std::vector<Endpoint> endpoints_;
    std::vector<std::unique_ptr<UdpWorker>> udpWorkers_;
    std::unique_ptr<TcpWorker> tcpWorker_;
    std::vector<std::thread> threads_;
};

}  // namespace swb::dns
