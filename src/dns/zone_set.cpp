#include "dns/zone_set.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace swb::dns {

ZoneSet::ZoneSet(std::vector<ZonePointer> zones) : zones_(std::move(zones)) {
    SWB_ASSERT(zones_.size() <= zonesMax, "whoever adds a zone keeps the limit");
    std::sort(zones_.begin(), zones_.end(), [](const auto& left, const auto& right) {
        return compareCanonically(left->origin(), right->origin()) < 0;
    });
    slots_.resize(std::bit_ceil(zones_.size() * 4 + 1));
    for (const ZonePointer& zone : zones_) {
        const HashedName origin(zone->origin());
        SWB_ASSERT(!exact(origin.name(), origin.hash()), "each zone stands in the set once");
        size_t at = origin.hash() & (slots_.size() - 1);
        while (slots_[at].zone) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = {origin.hash(), zone.get()};
        deepestLabels_ = std::max(deepestLabels_, origin.labelCount());
    }
}

const ZoneSnapshot* ZoneSet::exact(NameView origin, uint64_t hash) const {
    for (size_t at = hash & (slots_.size() - 1); slots_[at].zone; at = (at + 1) & (slots_.size() - 1))
        if (slots_[at].hash == hash && slots_[at].zone->origin().view() == origin) return slots_[at].zone;
    return nullptr;
}

const ZoneSnapshot* ZoneSet::find(const HashedName& name, uint16_t type) const {
    const ZoneSnapshot* atChild = nullptr;
    const size_t count = name.labelCount();
    for (size_t dropped = count > deepestLabels_ ? count - deepestLabels_ : 0; dropped <= count; ++dropped) {
        const ZoneSnapshot* zone = exact(name.without(dropped), name.hashWithout(dropped));
        if (!zone) continue;
        if (dropped > 0 || type != type::ds) return zone;
        atChild = zone;
    }
    return atChild;
}

ZonePointer ZoneSet::zone(NameView origin) const {
    for (const ZonePointer& zone : zones_)
        if (zone->origin().view() == origin) return zone;
    return nullptr;
}

ZoneSetPointer ZoneSet::with(ZonePointer zone) const {
    std::vector<ZonePointer> zones = zones_;
    const auto older = std::find_if(zones.begin(), zones.end(),
                                    [&](const ZonePointer& other) { return other->origin() == zone->origin(); });
    if (older == zones.end())
        zones.push_back(std::move(zone));
    else
        *older = std::move(zone);
    return of(std::move(zones));
}

ZoneSetPointer ZoneSet::without(NameView origin) const {
    std::vector<ZonePointer> zones = zones_;
    std::erase_if(zones, [&](const ZonePointer& zone) { return zone->origin().view() == origin; });
    return of(std::move(zones));
}

}  // namespace swb::dns
