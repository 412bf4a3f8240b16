// Which HTTPS and SVCB sets of a zone have hints about another name: what has to follow when that name's addresses
// change. By target, so that a switch finds its few among many without a look at the zone. Immutable and shared by all
// snapshots until such a set comes, goes or gets another target; a switch changes none of that.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dns/change.h"

namespace swb::dns {

class ZoneSnapshot;

class ServiceIndex {
  public:
    struct Entry {
        Name target, owner;
        uint16_t type = 0;
    };

    static std::shared_ptr<const ServiceIndex> of(const ZoneSnapshot& zone);
    // That of the zone after the change; itself when that makes no difference.
    static std::shared_ptr<const ServiceIndex> after(const std::shared_ptr<const ServiceIndex>& before,
                                                     const ZoneChange& change);

    // Those about this name, each set once; sets at the name itself are not among them.
    std::span<const Entry> about(NameView target) const;

  private:
    std::vector<Entry> entries_;  // sorted by target, owner, type
};

}  // namespace swb::dns
