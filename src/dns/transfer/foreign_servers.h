// Addresses of name servers whose names are in no zone of ours, so that they can be notified: looked up by resolvers,
// again when the TTL is over.
//
//     want(zone, names) ─▶ a thread of its own asks ─▶ addresses differ ─▶ changed()
//
// A look-up that fails or finds nothing changes nothing: the last good addresses stay. Nobody waits for a look-up.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "dns/address.h"
#include "dns/resolve.h"

namespace swb::dns::transfer {

// Asks for all addresses of a name; blocks, for some seconds at most.
using LookUp = std::function<Result<ResolvedAddresses>(const std::string& name)>;

struct LookUpTiming {
    int64_t soonestMs = 30'000;    // whatever TTL the name has
    int64_t latestMs = 3'600'000;  // somebody may move it without its TTL saying so
    int64_t retryMs = 10'000;      // after a failure
};

class ForeignServers {
  public:
    // changed is called by the thread, without locks. The clock outlives this object.
    ForeignServers(LookUp lookUp, LookUpTiming timing, const Clock& clock, std::function<void()> changed);
    ~ForeignServers();  // stops
    ForeignServers(const ForeignServers&) = delete;
    ForeignServers& operator=(const ForeignServers&) = delete;

    // The names that this zone needs from now on; those that no zone needs are forgotten. Does not wait.
    void want(const Name& zone, std::vector<Name> names);
    // Empty: none are known yet.
    std::vector<IpAddress> addressesOf(const Name& server) const;
    void stop();

  private:
    struct Server {
        std::vector<IpAddress> addresses;
        MonotonicMs dueAt = 0;
        std::string problem;  // said once, not every time
    };
    template <typename Value>
    using ByName = std::unordered_map<Name, Value, NameHash, NameEqual>;

    void run();
    bool keep(const Name& name, const Result<ResolvedAddresses>& found);

    const LookUp lookUp_;
    const LookUpTiming timing_;
    const Clock& clock_;
    const std::function<void()> changed_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    ByName<std::vector<Name>> wanted_;  // by zone
    ByName<Server> servers_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace swb::dns::transfer
