// For a name server that gets its zones from primaries: when a primary confirmed each zone last.
//
//     Follower ─▶ confirmed(), setStale() ─▶ answers: EXPIRE (RFC 7314), the extended error "stale answer" (RFC 8914)
//
// Read on the answer path by all workers: no lock, no memory. The set of zones is fixed.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "dns/name.h"

namespace swb::dns {

class ZoneFreshness {
  public:
    explicit ZoneFreshness(std::vector<Name> origins);

    // Any thread. Precondition: one of the origins.
    void confirmed(NameView origin, MonotonicMs at);
    void setStale(NameView origin, bool stale);

    // How many of these seconds, counted from the last confirmation, are left; nothing: the zone comes from no primary.
    std::optional<uint32_t> secondsLeft(NameView origin, uint32_t of, MonotonicMs now) const;
    bool isStale(NameView origin) const;

  private:
    struct Zone {
        Name origin;
        std::atomic<MonotonicMs> confirmedAt{0};
        std::atomic<bool> isStale{false};
    };
    const Zone* find(NameView origin) const;
    Zone& at(NameView origin);

    std::vector<Zone> zones_;  // in canonical order
    std::atomic<size_t> staleCount_{0};
};

}  // namespace swb::dns
