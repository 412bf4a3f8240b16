// Aliases to foreign names: looked up again and again, what they answer kept in the store, the last good answer kept
// when a look-up fails. Aliases to failover addresses need none of this: the publisher gives them the group's own.
//
//     zone documents ──► due aliases ──ask a resolver──► "alias" documents (only when they change) ──► Publisher
//
// A resolver's answer is never waited for by anything else: one thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "dispatch/publisher.h"
#include "dns/resolve.h"
#include "model/zone.h"

namespace swb::dispatch {

// Asks for all addresses of a name, A and AAAA. NotFound: the name has none.
using Resolve = std::function<Result<dns::ResolvedAddresses>(const std::string& name)>;

// Asks these resolvers in turn until one answers.
Resolve resolveBy(std::vector<dns::Endpoint> resolvers);

class AliasKeeper {
  public:
    AliasKeeper(store::Store& store, Publisher& publisher, const Clock& clock, Resolve resolve);
    ~AliasKeeper();  // stops
    AliasKeeper(const AliasKeeper&) = delete;
    AliasKeeper& operator=(const AliasKeeper&) = delete;

    void start();
    void stop();
    // One round: looks up what is due. Answers whether an alias has new addresses.
    bool refresh();

  private:
    struct Known {
        std::string target;
        MonotonicMs dueAt = 0;
        std::string problem;  // of the last attempt; said once, not every time
    };

    bool refreshAlias(const Alias& alias, Known& known);
    Result<bool> keep(const Alias& alias, const dns::ResolvedAddresses& found);

    store::Store& store_;
    Publisher& publisher_;
    const Clock& clock_;
    const Resolve resolve_;
    std::map<std::string, Known> known_;  // by the alias's name; the thread's own
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace swb::dispatch
