#include "dns/look_ahead.h"

namespace swb::dns {
namespace {

void fetch(const void* memory) {
    __builtin_prefetch(memory);
}

}  // namespace

void LookAhead::add(const Query& query) {
    if (!query.hasQuestion || count_ == queriesMax) return;
    const HashedName asked(query.question.name);
    const ZoneSnapshot* zone = zones_.find(asked, query.question.type);
    if (!zone) return;
    fetch(zone->index().slotOf(asked.hash()));
    places_[count_++] = {zone, asked.hash(), ZoneIndex::none, nullptr};
}

// One level of what points to what in each loop.
void LookAhead::run() {
    size_t found = 0;
    for (size_t i = 0; i < count_; ++i) {
        Place place = places_[i];
        place.position = place.zone->index().likely(place.hash);
        if (place.position == ZoneIndex::none) continue;
        fetch(place.zone->index().entryOf(place.position));
        fetch(&place.zone->contents().at(place.position));
        places_[found++] = place;
    }
    for (size_t i = 0; i < found; ++i) {
        Place& place = places_[i];
        fetch(place.zone->index().nameAt(place.position).wire().data());
        place.sets = place.zone->contents().at(place.position).get();
        if (place.sets) fetch(place.sets);
    }
    for (size_t i = 0; i < found; ++i)
        if (const auto* sets = places_[i].sets) fetch(sets->data());
    for (size_t i = 0; i < found; ++i)
        if (const auto* sets = places_[i].sets; sets && !sets->empty()) fetch(sets->front().records.data());
}

}  // namespace swb::dns
