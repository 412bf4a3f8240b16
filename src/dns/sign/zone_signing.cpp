#include "dns/sign/zone_signing.h"

#include <algorithm>

#include "dns/sign/nsec.h"
#include "dns/soa.h"

namespace swb::dns::sign {
namespace {

class WorkFinder {
  public:
    WorkFinder(const ZoneSnapshot& zone, const KeySet& keys, UnixSeconds now) : zone_(zone), keys_(keys), now_(now) {}

    std::vector<SigningWork> find() {
        collectChain();
        const Place* next = nullptr;
        // From the end: the next name is known then.
        for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
            look(*place, next);
            if (place->isInChain) next = &*place;
        }
        return std::move(work_);
    }

  private:
    struct Place {
        ZoneNode node;
        bool isHidden;
        bool isInChain;
    };

    void collectChain() {
        places_.reserve(zone_.nodeCount());
        std::optional<NameView> cut;
        for (uint32_t position = 0; position < zone_.nodeCount(); ++position) {
            const ZoneNode node = zone_.nodeAt(position);
            const bool isHidden = cut && node.name().isAtOrBelow(*cut);
            if (!isHidden) cut.reset();
            if (node.isDelegation()) cut = node.name();
            const bool hasOwn = std::any_of(node.sets().begin(), node.sets().end(),
                                            [](const RecordSet& set) { return set.type != type::nsec; });
            places_.push_back({node, isHidden, keys_.isSigned() && hasOwn && !isHidden});
        }
    }

    void look(const Place& place, const Place* next) {
        const ZoneNode& node = place.node;
        const bool isApex = node.position() == 0;
        for (const RecordSet& set : node.sets()) {
            if (isSignerType(set.type)) continue;
            const bool isSigned = !place.isHidden && isSignedAt(set.type, node.isDelegation());
            want(node.name(), &set, RecordSet{set.type, set.ttlSeconds, set.records, {}},
                 isSigned ? keys_.zoneSigners : noSigners_);
        }
        if (isApex) lookAtApex(node);
        const RecordSet* nsec = node.find(type::nsec);
        if (place.isInChain) {
            const NameView nextName = next ? next->node.name() : zone_.origin().view();
            want(node.name(), nsec, nsecSet(nextName, typesForNsec(node, keys_), zone_), keys_.zoneSigners);
        } else if (nsec) {
            drop(node.name(), *nsec);
        }
    }

    void lookAtApex(const ZoneNode& apex) {
        for (const uint16_t number : {type::dnskey, type::cds, type::cdnskey}) {
            const auto wanted = std::find_if(keys_.apexSets.begin(), keys_.apexSets.end(),
                                             [&](const RecordSet& set) { return set.type == number; });
            const RecordSet* present = apex.find(number);
            if (wanted != keys_.apexSets.end()) {
                want(apex.name(), present, *wanted, keys_.keySigners);
            } else if (present) {
                drop(apex.name(), *present);
            }
        }
    }

    void want(NameView name, const RecordSet* present, RecordSet wanted, const std::vector<SharedKey>& signers) {
        const bool isSame = present && present->records == wanted.records && present->ttlSeconds == wanted.ttlSeconds;
        SigningWork work;
        work.missing =
            keepSignatures(wanted, isSame ? present->signatures : std::vector<Rdata>(), signers, now_, keys_.policy);
        if (work.missing.empty() && present && *present == wanted) return;
        work.change = {Name(name), wanted.type, {}, {}};
        if (present) work.change.before = *present;
        work.change.after = std::move(wanted);
        work_.push_back(std::move(work));
    }

    void drop(NameView name, const RecordSet& present) {
        work_.push_back({SetChange{Name(name), present.type, present, std::nullopt}, {}});
    }

    const ZoneSnapshot& zone_;
    const KeySet& keys_;
    const UnixSeconds now_;
    const std::vector<SharedKey> noSigners_;
    std::vector<Place> places_;
    std::vector<SigningWork> work_;
};

// The SOA's next serial; its signatures are then of another content.
void renewSerial(SigningWork& soa, const KeySet& keys, uint32_t serial) {
    Rdata& data = soa.change.after->records.front();
    data = soaWithSerial(std::move(data), serial);
    soa.change.after->signatures.clear();
    soa.missing.clear();
    for (const SharedKey& key : keys.zoneSigners) soa.missing.push_back(key.get());
}

// The SOA's work first: it is part of every change.
void putSoaFirst(std::vector<SigningWork>& work, const ZoneSnapshot& zone) {
    const auto isSoa = [](const SigningWork& item) { return item.change.type == type::soa; };
    const auto found = std::find_if(work.begin(), work.end(), isSoa);
    if (found != work.end()) {
        std::swap(*found, work.front());
    } else {
        work.insert(work.begin(), {SetChange{zone.origin(), type::soa, zone.soa(), zone.soa()}, {}});
    }
}

void measure(Upkeep& result, const ZoneSnapshot& zone, const KeySet& keys, UnixSeconds now) {
    zone.forEachSet([&](NameView, const RecordSet& set) {
        result.longestTtlSeconds = std::max(result.longestTtlSeconds, set.ttlSeconds);
        const auto due = refreshDue(set, now, keys.policy);
        if (due) result.nextDue = result.nextDue == 0 ? *due : std::min(result.nextDue, *due);
    });
}

}  // namespace

bool isSignedAt(uint16_t type, bool isDelegation) {
    return !isDelegation || type == type::ds || type == type::nsec;
}

std::vector<uint16_t> typesForNsec(const ZoneNode& node, const KeySet& keys) {
    std::vector<uint16_t> types{type::nsec, type::rrsig};
    for (const RecordSet& set : node.sets())
        if (!isSignerType(set.type) && (!node.isDelegation() || set.type == type::ns || set.type == type::ds))
            types.push_back(set.type);
    if (node.position() == 0)
        for (const RecordSet& set : keys.apexSets) types.push_back(set.type);
    return types;
}

RecordSet nsecSet(NameView next, std::vector<uint16_t> types, const ZoneSnapshot& zone) {
    return {type::nsec, zone.negativeTtlSeconds(), {nsecData(next, std::move(types))}, {}};
}

std::vector<SigningWork> findWork(const ZoneSnapshot& zone, const KeySet& keys, UnixSeconds now) {
    return WorkFinder(zone, keys, now).find();
}

Result<Upkeep> upkeep(const ZoneSnapshot& zone, const KeySet& keys, UnixSeconds now, const UpkeepLimits& limits) {
    std::vector<SigningWork> work = findWork(zone, keys, now);
    Upkeep result;
    result.change.origin = zone.origin();
    result.change.fromSerial = result.change.toSerial = zone.serial();
    if (work.empty()) {
        measure(result, zone, keys, now);
        return result;
    }
    putSoaFirst(work, zone);
    if (work.size() > limits.setsMax) {
        result.setsLeft = work.size() - limits.setsMax;
        work.resize(limits.setsMax);
    }
    result.change.toSerial = nextSerial(zone.serial());
    renewSerial(work.front(), keys, result.change.toSerial);
    TRY_VOID(signAll(work, zone.origin(), now, keys.policy, limits.threads));
    result.change.sets.reserve(work.size());
    for (SigningWork& item : work) result.change.sets.push_back(std::move(item.change));
    std::sort(result.change.sets.begin(), result.change.sets.end(), sortsBefore);
    return result;
}

}  // namespace swb::dns::sign
