// A node without a controller: answers zones that it gets from their primary, and goes on answering whatever happens
// to the primary.
//
//     start ─▶ journals on disk ─▶ answered at once
//     NOTIFY or the poll ─▶ IXFR (or AXFR) ─▶ checked ─▶ ZoneJournal ─▶ Server.publish
//
// Checked means: the signature, the whole message stream, every rule of zones, a newer serial, and no group's epoch
// going back (I11); what fails leaves the zone as it is. A zone is on disk before it is answered. By default it never
// expires: a name server that withdraws the failover names when it cannot reach the controller would do the very harm
// it is there to prevent. RFC 1035's expiry can be switched on for each zone.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "dns/server.h"
#include "dns/transfer/fetch.h"
#include "dns/zone_journal.h"

namespace swb::dns::transfer {

struct FollowedZone {
    Name origin;
    std::vector<Endpoint> primaries;  // asked in turn until one answers
    TsigKeyPointer key;               // null: unsigned
    bool expires = false;             // stop answering when the SOA's expire time has passed without a primary
};

struct FollowerSettings {
    std::string directory;  // one folder for each zone
    std::vector<FollowedZone> zones;
    std::optional<IpAddress> from;
    int64_t pollMs = 10'000;
    int64_t retryMs = 1000;         // after a failure; doubled each time, up to pollMs
    int64_t staleAfterMs = 60'000;  // without word from a primary: answers say so (RFC 8914)
};

struct FollowedState {
    Name origin;
    std::optional<uint32_t> serial;
    UnixMs lastContactAt = 0;  // a primary answered
    UnixMs lastChangeAt = 0;
    std::string lastError;  // of the last try; empty when it went well
    bool expired = false;
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
    // Follows from now on, in a thread of its own, and publishes to this server, which outlives it.
    void start(Server& server);
    void stop();

    // A primary says that there is something new. Any thread; does not wait.
    void notified(const Name& origin);
    std::vector<FollowedState> states() const;
    // For serving transfers in turn; null for a zone that is not followed.
    const ZoneJournal* journal(NameView origin) const;

  private:
    struct Zone {
        FollowedZone settings;
        std::unique_ptr<ZoneJournal> journal;
        FollowedState state;
        MonotonicMs nextTryAt = 0;
        MonotonicMs contactAt = 0;
        int64_t backOffMs = 0;
        bool mustFetchWhole = false;
    };

    Follower(FollowerSettings settings, const Clock& clock);
    void run();
    void follow(Zone& zone);
    void publishHere(Zone& zone);
    Result<bool> fetchFrom(Zone& zone, const Endpoint& primary);
    Result<bool> apply(Zone& zone, ReceivedTransfer received);
    Result<bool> applyWhole(Zone& zone, ReceivedZone received);
    Result<bool> applySteps(Zone& zone, const ReceivedSteps& received);
    void noteSuccess(Zone& zone, bool changed);
    void noteFailure(Zone& zone, const Error& error);
    void expireZones();

    const FollowerSettings settings_;
    const Clock& clock_;
    Server* server_ = nullptr;
    std::vector<Zone> zones_;  // journals are safe from any thread, state under the mutex, the rest the thread's own
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Name> notified_;
    bool stopping_ = false;
    Fd stopSignal_;
    std::thread thread_;
};

}  // namespace swb::dns::transfer
