// From edits, or from a whole new definition, to the unsigned change they make.
#include <algorithm>
#include <map>

#include "dns/epoch_mark.h"
#include "dns/service_hints.h"
#include "dns/soa.h"
#include "dns/zone.h"
#include "dns/zone_check.h"
#include "dns/zone_rules.h"

namespace swb::dns {
namespace {

bool sameData(const RecordSet& left, const RecordSet& right) {
    return left.type == right.type && left.ttlSeconds == right.ttlSeconds && left.records == right.records;
}

uint32_t serialAfter(uint32_t serial, uint32_t notBefore) {
    const uint32_t next = nextSerial(serial);
    return notBefore != 0 && isNewerSerial(notBefore, next) ? notBefore : next;
}

tl::unexpected<Error> taken(const FailoverAddress& address, std::string_view by) {
    return fail(ErrorCode::Conflict,
                "the name " + address.name.toText() + " of group " + address.group + " is taken by " + std::string(by));
}

// The record sets as they will be, on top of those of the zone.
class Draft {
  public:
    explicit Draft(const ZoneSnapshot& zone) : zone_(zone) {}

    const RecordSet* find(NameView name, uint16_t type) const {
        const auto changed = sets_.find(Key{Name(name), type});
        if (changed != sets_.end()) return changed->second ? &*changed->second : nullptr;
        const ZoneNode node = zone_.nodeOf(name);
        return node ? node.find(type) : nullptr;
    }
    void put(NameView name, RecordSet set) {
        const uint16_t type = set.type;
        sets_.insert_or_assign(Key{Name(name), type}, std::move(set));
    }
    void remove(NameView name, uint16_t type) { sets_.insert_or_assign(Key{Name(name), type}, std::nullopt); }

    std::optional<EpochMark> markOf(NameView name) const {
        NameBuffer markName;
        if (!epochMarkName(name, markName)) return {};
        const RecordSet* set = find(markName.view(), type::txt);
        return set ? epochMarkOf(*set) : std::nullopt;
    }

    // What really differs, with the SOA of the next serial; empty when nothing does and the serial need not move.
    ZoneChange finish(uint32_t notBefore) {
        ZoneChange change{zone_.origin(), zone_.serial(), zone_.serial(), {}};
        for (auto& [key, after] : sets_) {
            const ZoneNode node = zone_.nodeOf(key.name);
            const RecordSet* before = node ? node.find(key.type) : nullptr;
            if (before ? after && sameData(*before, *after) : !after) continue;
            change.sets.push_back(
                {key.name, key.type, before ? std::optional(*before) : std::nullopt, std::move(after)});
        }
        if (change.sets.empty() && (notBefore == 0 || !isNewerSerial(notBefore, zone_.serial()))) return change;
        change.toSerial = serialAfter(zone_.serial(), notBefore);
        RecordSet next = zone_.soa();
        next.signatures.clear();
        SetChange added{zone_.origin(), type::soa, zone_.soa(), std::move(next)};
        auto soa = std::lower_bound(change.sets.begin(), change.sets.end(), added, sortsBefore);
        if (soa == change.sets.end() || sortsBefore(added, *soa)) soa = change.sets.insert(soa, std::move(added));
        soa->after->records.front() = soaWithSerial(std::move(soa->after->records.front()), change.toSerial);
        return change;
    }

  private:
    struct Key {
        Name name;
        uint16_t type = 0;
        bool operator<(const Key& other) const {
            const int byName = compareCanonically(name, other.name);
            return byName != 0 ? byName < 0 : type < other.type;
        }
    };

    const ZoneSnapshot& zone_;
    std::map<Key, std::optional<RecordSet>> sets_;
};

std::vector<IpAddress> addressesAt(const Draft& draft, NameView name) {
    std::vector<IpAddress> addresses;
    for (const uint16_t type : {type::a, type::aaaa})
        if (const RecordSet* set = draft.find(name, type))
            for (const Rdata& data : set->records) addresses.push_back(IpAddress::fromWire(data));
    return addresses;
}

void removeAddress(Draft& draft, NameView name) {
    if (!draft.markOf(name)) return;
    NameBuffer markName;
    epochMarkName(name, markName);
    draft.remove(markName.view(), type::txt);
    draft.remove(name, type::a);
    draft.remove(name, type::aaaa);
}

Result<void> putAddress(Draft& draft, NameView origin, const FailoverAddress& address) {
    TRY_VOID(checkFailoverAddress(origin, address));
    if (const auto mark = draft.markOf(address.name)) {
        if (mark->group != address.group) return taken(address, "group " + std::string(mark->group));
        if (mark->epoch > address.epoch) return fail(epochOld(address.group, mark->epoch, address.epoch));
    } else if (draft.find(address.name, type::a) || draft.find(address.name, type::aaaa)) {
        return taken(address, "a static record");
    }
    draft.remove(address.name, type::a);
    draft.remove(address.name, type::aaaa);
    for (RecordSet& set : addressSets(address.addresses, address.ttlSeconds)) draft.put(address.name, std::move(set));
    NameBuffer markName;
    epochMarkName(address.name, markName);
    draft.put(markName.view(), epochMarkSet(address.group, address.epoch, address.ttlSeconds));
    return {};
}

// The hints about every address that the edits name, and those of the records they bring.
Result<void> followAddresses(Draft& draft, const ServiceIndex& services, const ZoneEdits& edits) {
    const auto addressesOf = [&](NameView target) -> std::optional<std::vector<IpAddress>> {
        if (draft.markOf(target)) return addressesAt(draft, target);
        for (const AddressElsewhere& other : edits.elsewhere)
            if (other.name.view() == target) return other.addresses;
        return {};
    };
    const auto follow = [&](NameView owner, uint16_t type) -> Result<void> {
        const RecordSet* present = isServiceType(type) ? draft.find(owner, type) : nullptr;
        if (!present) return {};
        RecordSet set = *present;
        set.signatures.clear();
        TRY_VOID(replaceHints(set, owner, addressesOf));
        draft.put(owner, std::move(set));
        return {};
    };
    const auto followAll = [&](NameView target) -> Result<void> {
        for (const uint16_t type : {type::https, type::svcb}) TRY_VOID(follow(target, type));
        for (const ServiceIndex::Entry& entry : services.about(target)) TRY_VOID(follow(entry.owner, entry.type));
        return {};
    };
    for (const FailoverAddress& address : edits.addresses) TRY_VOID(followAll(address.name));
    for (const AddressElsewhere& address : edits.elsewhere) TRY_VOID(followAll(address.name));
    for (const ZoneRecordSet& record : edits.records) TRY_VOID(follow(record.name, record.set.type));
    return {};
}

bool isGivenByTheZone(NameView origin, NameView name, uint16_t type) {
    return (type == type::soa || type == type::ns) && name == origin;
}

Result<void> putRecord(Draft& draft, NameView origin, const ZoneRecordSet& record) {
    TRY_VOID(checkStaticSet(origin, record));
    const bool isAddress = record.set.type == type::a || record.set.type == type::aaaa;
    if (const auto mark = isAddress ? draft.markOf(record.name) : std::nullopt)
        return fail(ErrorCode::Conflict,
                    record.name.toText() + " is the failover address of group " + std::string(mark->group));
    ZoneRecordSet put = record;
    put.set.signatures.clear();
    draft.put(put.name, std::move(put.set));
    return {};
}

}  // namespace

Result<ZoneChange> ZoneSnapshot::draft(const ZoneEdits& edits, uint32_t notBefore) const {
    Draft draft(*this);
    for (const Name& name : edits.removedAddresses) removeAddress(draft, name);
    for (const ZoneEdits::RemovedSet& removed : edits.removedRecords) {
        const bool isAddress = removed.type == type::a || removed.type == type::aaaa;
        if (isGivenByTheZone(origin_, removed.name, removed.type) || isSignerType(removed.type) ||
            isEpochMarkName(removed.name) || (isAddress && draft.markOf(removed.name)))
            return fail(ErrorCode::InvalidInput, "the " + typeToText(removed.type) + " record of " +
                                                     removed.name.toText() + " belongs to the zone itself");
        draft.remove(removed.name, removed.type);
    }
    for (const FailoverAddress& address : edits.addresses) TRY_VOID(putAddress(draft, origin_, address));
    for (const ZoneRecordSet& record : edits.records) TRY_VOID(putRecord(draft, origin_, record));
    TRY_VOID(followAddresses(draft, *services_, edits));
    return draft.finish(notBefore);
}

Result<ZoneChange> ZoneSnapshot::draftTo(ZoneDefinition definition, uint32_t notBefore) const {
    definition.serial = serial();
    if (definition.origin != origin_)
        return fail(ErrorCode::Conflict,
                    "the definition is of " + definition.origin.toText() + ", not of " + origin_.toText());
    const ZonePointer wanted = TRY(build(std::move(definition)));
    std::map<std::string, int64_t> known;
    for (const FailoverAddress& address : failoverAddresses()) {
        int64_t& epoch = known[address.group];
        epoch = std::max(epoch, address.epoch);
    }
    for (const FailoverAddress& address : wanted->failoverAddresses())
        if (const auto before = known.find(address.group); before != known.end() && before->second > address.epoch)
            return fail(epochOld(address.group, before->second, address.epoch));
    Draft draft(*this);
    forEachSet([&](NameView name, const RecordSet& set) {
        const ZoneNode node = wanted->nodeOf(name);
        const RecordSet* after = node ? node.find(set.type) : nullptr;
        if (!after && !isSignerType(set.type)) draft.remove(name, set.type);
    });
    wanted->forEachSet([&](NameView name, const RecordSet& set) {
        const ZoneNode node = nodeOf(name);
        const RecordSet* before = node ? node.find(set.type) : nullptr;
        if (!before || !sameData(*before, set)) draft.put(name, set);
    });
    return draft.finish(notBefore);
}

}  // namespace swb::dns
