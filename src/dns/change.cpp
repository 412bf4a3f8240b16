#include "dns/change.h"

#include <utility>

namespace swb::dns {

bool sortsBefore(const SetChange& left, const SetChange& right) {
    const int byName = compareCanonically(left.name, right.name);
    return byName != 0 ? byName < 0 : left.type < right.type;
}

ZoneChange inverseOf(ZoneChange change) {
    std::swap(change.fromSerial, change.toSerial);
    for (SetChange& set : change.sets) std::swap(set.before, set.after);
    return change;
}

}  // namespace swb::dns
