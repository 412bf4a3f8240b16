// Asks the processor for the memory that the answers to a batch of queries will need, before the first one is made.
//
// What answering costs in a zone too large for the nearest caches is waiting: the slot of the hash table, the name, the
// record sets, the record, each found only through the one before. One query can do nothing but wait; a batch waits for
// all its slots at once, then for all its names, and so on. Nothing is decided here: a look-ahead that is wrong costs
// time and changes no answer.
#pragma once

#include <array>

#include "dns/query.h"
#include "dns/zone_set.h"

namespace swb::dns {

class LookAhead {
  public:
    static constexpr size_t queriesMax = 64;

    explicit LookAhead(const ZoneSet& zones) : zones_(zones) {}
    // At most queriesMax; what has no question is left out.
    void add(const Query& query);
    // The zones must stay until the answers are made.
    void run();

  private:
    struct Place {
        const ZoneSnapshot* zone;
        uint64_t hash;
        uint32_t position;
        const std::vector<RecordSet>* sets;
    };

    const ZoneSet& zones_;
    std::array<Place, queriesMax> places_;
    size_t count_ = 0;
};

}  // namespace swb::dns
