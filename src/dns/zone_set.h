// All zones of a name server together: what is published as one pointer and answered from. Immutable.
#pragma once

#include "dns/zone.h"

namespace swb::dns {

class ZoneSet;
using ZoneSetPointer = std::shared_ptr<const ZoneSet>;

class ZoneSet {
  public:
    static constexpr size_t zonesMax = 1000;

    // Without zones it refuses every question. Precondition: at most zonesMax, each origin once.
    explicit ZoneSet(std::vector<ZonePointer> zones);
    static ZoneSetPointer of(std::vector<ZonePointer> zones) {
        return std::make_shared<const ZoneSet>(std::move(zones));
    }

    // The zone that a question is for: the longest origin that the name is at or below; null when there is none. A
    // question for DS at the origin of one zone goes to the zone above, if that is here too (RFC 4035 §3.1.4.1).
    const ZoneSnapshot* find(const HashedName& name, uint16_t type) const;
    // Exactly this origin.
    ZonePointer zone(NameView origin) const;
    // In canonical order of their origins.
    std::span<const ZonePointer> zones() const { return zones_; }

    // The same with this zone added or in the place of its older self; without the zone of this origin.
    ZoneSetPointer with(ZonePointer zone) const;
    ZoneSetPointer without(NameView origin) const;

  private:
    struct Slot {
        uint64_t hash = 0;
        const ZoneSnapshot* zone = nullptr;
    };
    const ZoneSnapshot* exact(NameView origin, uint64_t hash) const;

    std::vector<ZonePointer> zones_;
    std::vector<Slot> slots_;
    size_t deepestLabels_ = 0;
};

}  // namespace swb::dns
