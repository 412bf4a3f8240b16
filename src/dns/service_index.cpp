#include "dns/service_index.h"

#include <algorithm>

#include "dns/service_hints.h"
#include "dns/zone.h"

namespace swb::dns {
namespace {

using Entry = ServiceIndex::Entry;

bool isBefore(const Entry& left, const Entry& right) {
    if (const int order = compareCanonically(left.target, right.target)) return order < 0;
    if (const int order = compareCanonically(left.owner, right.owner)) return order < 0;
    return left.type < right.type;
}

void addEntries(std::vector<Entry>& entries, NameView owner, const RecordSet& set) {
    if (!isServiceType(set.type)) return;
    for (Name& target : hintTargets(set, owner))
        if (!(target.view() == owner)) entries.push_back({std::move(target), Name(owner), set.type});
}

void sortEntries(std::vector<Entry>& entries) {
    const auto isSame = [](const Entry& left, const Entry& right) {
        return !isBefore(left, right) && !isBefore(right, left);
    };
    std::sort(entries.begin(), entries.end(), isBefore);
    entries.erase(std::unique(entries.begin(), entries.end(), isSame), entries.end());
}

}  // namespace

std::shared_ptr<const ServiceIndex> ServiceIndex::of(const ZoneSnapshot& zone) {
    auto index = std::make_shared<ServiceIndex>();
    zone.forEachSet([&](NameView owner, const RecordSet& set) { addEntries(index->entries_, owner, set); });
    sortEntries(index->entries_);
    return index;
}

std::shared_ptr<const ServiceIndex> ServiceIndex::after(const std::shared_ptr<const ServiceIndex>& before,
                                                        const ZoneChange& change) {
    std::vector<Entry> gone, come;
    for (const SetChange& set : change.sets) {
        if (set.before) addEntries(gone, set.name, *set.before);
        if (set.after) addEntries(come, set.name, *set.after);
    }
    sortEntries(gone);
    sortEntries(come);
    if (std::includes(gone.begin(), gone.end(), come.begin(), come.end(), isBefore) && gone.size() == come.size())
        return before;
    auto index = std::make_shared<ServiceIndex>();
    std::vector<Entry> kept;
    std::set_difference(before->entries_.begin(), before->entries_.end(), gone.begin(), gone.end(),
                        std::back_inserter(kept), isBefore);
    std::set_union(kept.begin(), kept.end(), come.begin(), come.end(), std::back_inserter(index->entries_), isBefore);
    return index;
}

std::span<const ServiceIndex::Entry> ServiceIndex::about(NameView target) const {
    const auto first = std::partition_point(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return compareCanonically(entry.target, target) < 0;
    });
    const auto last = std::partition_point(
        first, entries_.end(), [&](const Entry& entry) { return compareCanonically(entry.target, target) == 0; });
    return {first, last};
}

}  // namespace swb::dns
