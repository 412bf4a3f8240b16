#include "dns/zone_freshness.h"

#include <algorithm>

#include "base/assert.h"

namespace swb::dns {

ZoneFreshness::ZoneFreshness(std::vector<Name> origins) : zones_(origins.size()) {
    std::sort(origins.begin(), origins.end(),
              [](const Name& left, const Name& right) { return compareCanonically(left, right) < 0; });
    for (size_t i = 0; i < origins.size(); ++i) zones_[i].origin = std::move(origins[i]);
}

const ZoneFreshness::Zone* ZoneFreshness::find(NameView origin) const {
    const auto found = std::lower_bound(zones_.begin(), zones_.end(), origin, [](const Zone& zone, NameView wanted) {
        return compareCanonically(zone.origin, wanted) < 0;
    });
    return found != zones_.end() && found->origin.view() == origin ? &*found : nullptr;
}

ZoneFreshness::Zone& ZoneFreshness::at(NameView origin) {
    const Zone* zone = find(origin);
    SWB_ASSERT(zone, "the zone is one of those that are followed");
    return const_cast<Zone&>(*zone);
}

void ZoneFreshness::confirmed(NameView origin, MonotonicMs when) {
    at(origin).confirmedAt.store(when, std::memory_order_relaxed);
}

void ZoneFreshness::setStale(NameView origin, bool stale) {
    if (at(origin).isStale.exchange(stale, std::memory_order_relaxed) == stale) return;
    if (stale)
        staleCount_.fetch_add(1, std::memory_order_relaxed);
    else
        staleCount_.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<uint32_t> ZoneFreshness::secondsLeft(NameView origin, uint32_t of, MonotonicMs now) const {
    const Zone* zone = find(origin);
    if (!zone) return {};
    const int64_t gone = (now - zone->confirmedAt.load(std::memory_order_relaxed)) / 1000;
    return static_cast<uint32_t>(std::clamp<int64_t>(of - gone, 0, of));
}

bool ZoneFreshness::isStale(NameView origin) const {
    if (staleCount_.load(std::memory_order_relaxed) == 0) return false;
    const Zone* zone = find(origin);
    return zone && zone->isStale.load(std::memory_order_relaxed);
}

}  // namespace swb::dns
