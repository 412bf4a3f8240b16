#include "dns/sign/change_signing.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "dns/soa.h"

namespace swb::dns::sign {
namespace {

constexpr size_t largeChange = 4096;  // sets; from here on a look at the whole zone costs less than name by name

struct CanonicalLess {
    using is_transparent = void;
    bool operator()(NameView left, NameView right) const { return compareCanonically(left, right) < 0; }
};

uint32_t negativeTtlOf(const RecordSet& soa) {
    return std::min(soa.ttlSeconds, soaNumbersOf(soa.records.front()).minimumSeconds);
}

// A zone that is made anew (its files were lost, or it was deleted and added again) has keys and no chain.
bool hasChain(const ZoneSnapshot& zone) {
    return zone.nodeOf(zone.origin()).find(type::nsec) != nullptr;
}

bool reachesFurther(const ZoneSnapshot& before, const ZoneChange& change) {
    if (change.sets.size() >= largeChange || !hasChain(before)) return true;
    return std::any_of(change.sets.begin(), change.sets.end(), [&](const SetChange& set) {
        if (set.type == type::ns && set.name != before.origin()) return set.before.has_value() != set.after.has_value();
        return set.type == type::soa && set.after && negativeTtlOf(*set.after) != before.negativeTtlSeconds();
    });
}

// What the change makes of one name, as far as the chain of NSEC is concerned.
struct ChangedName {
    bool wasInChain = false;
    bool isInChain = false;
    std::vector<uint16_t> types;  // of its NSEC
};

class ChangeSigner {
  public:
    ChangeSigner(const ZoneSnapshot& before, ZoneChange change, const KeySet& keys, UnixSeconds now)
        : before_(before), change_(std::move(change)), keys_(keys), now_(now) {}

    Result<ZoneChange> run() {
        for (size_t first = 0, end = 0; first < change_.sets.size(); first = end) {
            const Name& name = change_.sets[first].name;
            for (end = first + 1; end < change_.sets.size() && change_.sets[end].name == name; ++end) {
            }
            takeName(std::span(change_.sets).subspan(first, end - first));
        }
        if (keys_.isChainComplete) linkNames();
        TRY_VOID(signAll(work_, before_.origin(), now_, keys_.policy, 1));
        change_.sets.clear();
        for (SigningWork& item : work_) change_.sets.push_back(std::move(item.change));
        std::sort(change_.sets.begin(), change_.sets.end(), sortsBefore);
        return std::move(change_);
    }

  private:
    bool isHidden(NameView name) const {
        for (; name != before_.origin().view(); name = name.parent())
            if (name.size() > before_.origin().view().size() && before_.nodeOf(name.parent()).isDelegation())
                return true;
        return false;
    }

    void takeName(std::span<SetChange> sets) {
        const Name name = sets.front().name;  // not a view: the sets are moved from
        const ZoneNode node = before_.nodeOf(name);
        const bool hidden = isHidden(name);
        const bool isDelegation = node && node.isDelegation();
        std::set<uint16_t> own;
        if (node)
            for (const RecordSet& set : node.sets())
                if (!isSignerType(set.type)) own.insert(set.type);
        ChangedName changed;
        changed.wasInChain = !hidden && !own.empty();
        for (SetChange& set : sets) {
            if (set.after) {
                own.insert(set.type);
            } else {
                own.erase(set.type);
            }
            takeSet(set, !hidden && isSignedAt(set.type, isDelegation));
        }
        changed.isInChain = !hidden && !own.empty();
        changed.types = typesOf(node, own, isDelegation);
        // A name that is gone for everybody else must not live on by its NSEC.
        if (own.empty() && node && node.find(type::nsec)) drop(name, *node.find(type::nsec));
        if (changed.wasInChain || changed.isInChain) names_.emplace(name, std::move(changed));
    }

    static std::vector<uint16_t> typesOf(const ZoneNode& node, const std::set<uint16_t>& own, bool isDelegation) {
        std::vector<uint16_t> types{type::nsec, type::rrsig};
        for (const uint16_t number : own)
            if (!isDelegation || number == type::ns || number == type::ds) types.push_back(number);
        if (node)
            for (const RecordSet& set : node.sets())
                if (KeySet::isKeyType(set.type)) types.push_back(set.type);
        return types;
    }

    void takeSet(SetChange& set, bool isSigned) {
        SigningWork item{std::move(set), {}};
        if (item.change.after) {
            item.change.after->signatures.clear();
            if (isSigned)
                for (const SharedKey& key : keys_.zoneSigners) item.missing.push_back(key.get());
        }
        work_.push_back(std::move(item));
    }

    void linkNames() {
        std::set<Name, CanonicalLess> toLink;
        for (const auto& [name, changed] : names_) {
            if (changed.isInChain) toLink.insert(name);
            if (changed.isInChain != changed.wasInChain) toLink.insert(Name(previousInChain(name)));
        }
        for (const Name& name : toLink) link(name);
    }

    bool isGone(NameView name) const {
        const auto found = names_.find(name);
        return found != names_.end() && !found->second.isInChain;
    }

    // Precondition: not the apex, which is always in the chain and comes first.
    NameView previousInChain(NameView name) const {
        NameView previous = before_.predecessor(name).name();
        while (isGone(previous)) previous = before_.predecessor(previous).name();
        for (auto at = names_.lower_bound(name); at != names_.begin();) {
            --at;
            if (!at->second.isInChain) continue;
            return compareCanonically(at->first, previous) > 0 ? at->first.view() : previous;
        }
        return previous;
    }

    NameView nextInChain(NameView name) const {
        NameView next = before_.successor(name).name();
        while (isGone(next)) next = before_.successor(next).name();
        const bool isRound = compareCanonically(next, name) <= 0;
        for (auto at = names_.upper_bound(name); at != names_.end(); ++at) {
            if (!at->second.isInChain) continue;
            return isRound || compareCanonically(at->first, next) < 0 ? at->first.view() : next;
        }
        return next;
    }

    void link(NameView name) {
        const ZoneNode node = before_.nodeOf(name);
        const RecordSet* present = node ? node.find(type::nsec) : nullptr;
        const auto changed = names_.find(name);
        std::vector<uint16_t> types = changed != names_.end() ? changed->second.types : typesForNsec(node, keys_);
        RecordSet wanted = nsecSet(nextInChain(name), std::move(types), before_);
        if (present && present->records == wanted.records && present->ttlSeconds == wanted.ttlSeconds) return;
        SetChange set{Name(name), type::nsec, {}, std::move(wanted)};
        if (present) set.before = *present;
        takeSet(set, true);
    }

    void drop(NameView name, const RecordSet& present) {
        work_.push_back({SetChange{Name(name), present.type, present, std::nullopt}, {}});
    }

    const ZoneSnapshot& before_;
    ZoneChange change_;
    const KeySet& keys_;
    const UnixSeconds now_;
    std::map<Name, ChangedName, CanonicalLess> names_;
    std::vector<SigningWork> work_;
};

// Signatures that come to their end, or keys that roll, are upkeep's: it does them in bounded parts.
bool isForUpkeep(const SigningWork& item) {
    const SetChange& change = item.change;
    if (KeySet::isKeyType(change.type)) return true;
    return !item.missing.empty() && change.before && !change.before->signatures.empty() &&
           change.before->records == change.after->records && change.before->ttlSeconds == change.after->ttlSeconds;
}

// The change as drafted, and on top of it what the zone after it lacks because of it.
Result<ZoneChange> signWithWholeZone(const ZoneSnapshot& before, ZoneChange change, const KeySet& keys,
                                     UnixSeconds now) {
    const ZonePointer drafted = TRY(before.with(change));
    std::vector<SigningWork> work = findWork(*drafted, keys, now);
    if (hasChain(before)) std::erase_if(work, isForUpkeep);
    TRY_VOID(signAll(work, before.origin(), now, keys.policy, std::thread::hardware_concurrency()));
    std::vector<SetChange> sets;
    const auto sameSet = [](const SetChange& left, const SetChange& right) {
        return !sortsBefore(left, right) && !sortsBefore(right, left);
    };
    for (SigningWork& item : work) {
        const auto place = std::lower_bound(change.sets.begin(), change.sets.end(), item.change, sortsBefore);
        if (place != change.sets.end() && sameSet(*place, item.change)) {
            place->after = std::move(item.change.after);
        } else {
            sets.push_back(std::move(item.change));
        }
    }
    change.sets.insert(change.sets.end(), std::make_move_iterator(sets.begin()), std::make_move_iterator(sets.end()));
    std::erase_if(change.sets, [](const SetChange& set) { return set.before == set.after; });
    std::sort(change.sets.begin(), change.sets.end(), sortsBefore);
    return change;
}

}  // namespace

Result<ZoneChange> signChange(const ZoneSnapshot& before, ZoneChange change, const KeySet& keys, UnixSeconds now) {
    if (change.isEmpty()) return change;
    if (keys.isChainComplete && reachesFurther(before, change))
        return signWithWholeZone(before, std::move(change), keys, now);
    return ChangeSigner(before, std::move(change), keys, now).run();
}

}  // namespace swb::dns::sign
