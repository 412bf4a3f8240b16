// A node without a controller: answers zones that it gets from their primaries, and goes on answering whatever happens
// to those.
//
//     open ─▶ what is on disk, answered at once
//     NOTIFY or the poll ─▶ a worker ─▶ IXFR (or AXFR) ─▶ checked, on disk (zone_copy.h) ─▶ Server.publish
//     watcher: which zones are stale, which have expired
//
// By default a zone never expires: a name server that withdraws the failover names when it cannot reach the controller
// would do the very harm it is there to prevent. RFC 1035's expiry can be switched on for each zone.
//
// Zones do not wait for each other: there is a worker for each primary and one more, a primary keeps two of them busy
// at most, and one that was silent just now is asked after the zone's others. A zone that has a key is never asked for
// without it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "dns/server.h"
#include "dns/transfer/zone_copy.h"
#include "dns/tsig.h"
#include "dns/zone_freshness.h"

namespace swb::dns::transfer {

struct FollowedZone {
    Name origin;
    std::vector<Endpoint> primaries;  // asked in turn until one answers
    std::optional<Name> key;          // nothing: unsigned
    bool expires = false;             // stop answering when the SOA's expire time has passed without a primary
    UnixMs confirmedAt = 0;           // when a primary answered last, before this start; 0: not known
};

struct FollowerSettings {
    std::string directory;  // one folder for each zone
    std::vector<FollowedZone> zones;
    // Null: the key is not there (yet), and the zone waits for it. Any thread.
    std::function<TsigKeyPointer(const Name& key)> findKey;
    std::optional<IpAddress> from;
    int64_t pollMs = 10'000;
    int64_t retryMs = 1000;          // after a failure; doubled each time, up to pollMs
    int64_t staleAfterMs = 60'000;   // without word from a primary: answers say so (RFC 8914)
    int64_t idleTimeoutMs = 10'000;  // for a primary that sends nothing
};

struct FollowedState {
    Name origin;
    std::optional<uint32_t> serial;
    UnixMs lastContactAt = 0;  // a primary answered
    UnixMs lastChangeAt = 0;
    std::string lastError;  // of the last try; empty when it went well
    bool stale = false;     // answered all the same
    bool expired = false;   // and not answered
};

class Follower {
  public:
    // Reads the journals. The clock outlives the follower.
    static Result<std::unique_ptr<Follower>> open(FollowerSettings settings, const Clock& clock);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    // What is on disk: what the server starts with.
    ZoneSetPointer zones() const;
    // For the server's answers.
    const ZoneFreshness& freshness() const { return *freshness_; }
    // Follows from now on, in threads of its own, and publishes to this server, which outlives it.
    void start(Server& server);
    void stop();

    // A primary says that there is something new, or there is another reason to ask at once. Any thread; does not wait.
    void notified(const Name& origin);
    void retryAll();
    std::vector<FollowedState> states() const;
    // For serving transfers in turn; null for a zone that is not followed.
    const ZoneJournal* journal(NameView origin) const;

  private:
    struct Zone {
        FollowedZone settings;
        std::unique_ptr<ZoneCopy> copy;  // apply(): by the worker that the zone is busy with
        FollowedState state;
        MonotonicMs nextTryAt = 0;
        MonotonicMs confirmedAt = 0;
        int64_t backOffMs = 0;
        bool isAsked = false;  // to be followed at once
        bool isBusy = false;
    };
    struct Primary {
        int busyWorkers = 0;
        MonotonicMs silentUntil = 0;
    };
    using Lock = std::unique_lock<std::mutex>;

    Follower(FollowerSettings settings, const Clock& clock);
    Result<Zone> openZone(const FollowedZone& settings) const;
    size_t workerCount() const;
    void work();
    void watch();
    Zone* nextDue(MonotonicMs now);
    int64_t untilNextMs(MonotonicMs now);
    std::vector<Endpoint> primariesInOrder(const Zone& zone, MonotonicMs now);
    void follow(Zone& zone, Lock& lock);
    Result<bool> takeFrom(Zone& zone, const Endpoint& primary) const;
    void publish(const Zone& zone);
    void noteSuccess(Zone& zone, bool changed);
    void noteFailure(Zone& zone, const Error& error);
    void judge(Zone& zone, MonotonicMs now);

    const FollowerSettings settings_;
    const Clock& clock_;
    Server* server_ = nullptr;
    std::unique_ptr<ZoneFreshness> freshness_;
    mutable std::mutex mutex_;  // not held while a primary is asked
    std::condition_variable wake_;
    std::vector<Zone> zones_;
    std::map<Endpoint, Primary> primaries_;
    bool stopping_ = false;
    Fd stopSignal_;
    std::vector<std::thread> threads_;
};

}  // namespace swb::dns::transfer
