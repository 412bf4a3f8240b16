// A zone made whole: from a definition, or from record sets that somebody else made.
#include <algorithm>
#include <unordered_map>

#include "dns/epoch_mark.h"
#include "dns/service_hints.h"
#include "dns/soa.h"
#include "dns/zone.h"
#include "dns/zone_check.h"
#include "dns/zone_rules.h"

namespace swb::dns {
namespace {

bool isBefore(const ZoneRecordSet& left, const ZoneRecordSet& right) {
    const int byName = compareCanonically(left.name, right.name);
    return byName != 0 ? byName < 0 : left.set.type < right.set.type;
}

void addAddresses(std::vector<ZoneRecordSet>& sets, const Name& name, uint32_t ttlSeconds,
                  const std::vector<IpAddress>& addresses) {
    for (RecordSet& set : addressSets(addresses, ttlSeconds)) sets.push_back({name, std::move(set)});
}

void addApex(std::vector<ZoneRecordSet>& sets, const ZoneDefinition& definition) {
    const SoaNumbers numbers{definition.serial, definition.refreshSeconds, definition.retrySeconds,
                             definition.expireSeconds, definition.minimumSeconds};
    sets.push_back({definition.origin,
                    {type::soa,
                     definition.soaTtlSeconds,
                     {soaData(definition.nameServers.front().name, definition.mailbox, numbers)}}});
    RecordSet servers{type::ns, definition.nameServerTtlSeconds, {}};
    for (const NameServer& server : definition.nameServers) {
        servers.records.emplace_back(server.name.view().wire());
        addAddresses(sets, server.name, definition.nameServerTtlSeconds, server.addresses);
    }
    sets.push_back({definition.origin, std::move(servers)});
}

void addFailoverAddress(std::vector<ZoneRecordSet>& sets, const FailoverAddress& address) {
    addAddresses(sets, address.name, address.ttlSeconds, address.addresses);
    NameBuffer markName;
    epochMarkName(address.name, markName);
    sets.push_back({Name(markName.view()), epochMarkSet(address.group, address.epoch, address.ttlSeconds)});
}

// HTTPS and SVCB records about failover addresses: their hints are those addresses.
Result<void> followAddresses(const ZoneDefinition& definition, std::vector<ZoneRecordSet>& sets) {
    std::unordered_map<NameView, const std::vector<IpAddress>*, NameHash, NameEqual> known;
    for (const AddressElsewhere& address : definition.elsewhere) known.emplace(address.name, &address.addresses);
    for (const FailoverAddress& address : definition.addresses)
        known.insert_or_assign(address.name.view(), &address.addresses);
    const auto addressesOf = [&](NameView target) -> std::optional<std::vector<IpAddress>> {
        const auto found = known.find(target);
        return found == known.end() ? std::nullopt : std::optional(*found->second);
    };
    for (ZoneRecordSet& record : sets)
        if (isServiceType(record.set.type)) TRY_VOID(replaceHints(record.set, record.name, addressesOf));
    return {};
}

}  // namespace

std::vector<RecordSet> addressSets(const std::vector<IpAddress>& addresses, uint32_t ttlSeconds) {
    RecordSet ipv4{type::a, ttlSeconds, {}}, ipv6{type::aaaa, ttlSeconds, {}};
    for (const IpAddress& address : addresses)
        (address.family == AddressFamily::ipv4 ? ipv4 : ipv6).records.emplace_back(address.wire());
    std::vector<RecordSet> sets;
    for (RecordSet* set : {&ipv4, &ipv6})
        if (!set->records.empty()) sets.push_back(std::move(*set));
    return sets;
}

Result<ZonePointer> ZoneSnapshot::build(ZoneDefinition definition) {
    if (definition.mailbox.view().isRoot())
        definition.mailbox = TRY(Name::fromText("hostmaster." + definition.origin.toText()));
    TRY_VOID(checkDefinition(definition));
    std::vector<ZoneRecordSet> sets = std::move(definition.records);
    TRY_VOID(followAddresses(definition, sets));
    sets.reserve(sets.size() + definition.addresses.size() * 3 + definition.nameServers.size() * 2 + 2);
    for (const FailoverAddress& address : definition.addresses) addFailoverAddress(sets, address);
    addApex(sets, definition);
    std::sort(sets.begin(), sets.end(), isBefore);
    return fromSortedSets(definition.origin, std::move(sets));
}

Result<ZonePointer> ZoneSnapshot::fromSets(const Name& origin, std::vector<ZoneRecordSet> sets) {
    for (const ZoneRecordSet& record : sets) TRY_VOID(checkRecordSet(origin, record.name, record.set));
    if (!std::is_sorted(sets.begin(), sets.end(), isBefore)) std::sort(sets.begin(), sets.end(), isBefore);
    return fromSortedSets(origin, std::move(sets));
}

Result<ZonePointer> ZoneSnapshot::fromSortedSets(const Name& origin, std::vector<ZoneRecordSet> sets) {
    if (sets.empty() || sets.front().name != origin)
        return fail(ErrorCode::InvalidInput, "the zone " + origin.toText() + " has no records of its own");
    ZoneIndexBuilder index(sets.size());
    std::vector<NodeSets> contents;
    contents.reserve(sets.size());
    for (size_t first = 0, end = 0; first < sets.size(); first = end) {
        const Name& name = sets[first].name;
        for (end = first; end < sets.size() && sets[end].name == name;) ++end;
        auto node = std::make_shared<std::vector<RecordSet>>();
        node->reserve(end - first);
        for (size_t i = first; i < end; ++i) node->push_back(std::move(sets[i].set));
        TRY_VOID(checkNodeSets(name, *node));
        const uint32_t position = index.add(name, first > 0 && hasType(*node, type::ns));
        contents.resize(position);  // the names between are without records
        contents.push_back(std::move(node));
    }
    std::shared_ptr<ZoneSnapshot> zone(new ZoneSnapshot);
    zone->origin_ = origin;
    if (!hasType(*contents.front(), type::soa) || !hasType(*contents.front(), type::ns))
        return fail(ErrorCode::InvalidInput, "the zone " + origin.toText() + " has no SOA or no NS record");
    zone->adopt(index.finish(), ZoneContents(std::move(contents)));
    zone->services_ = ServiceIndex::of(*zone);
    TRY_VOID(checkNameServerTargets(*zone));
    for (uint32_t position = 0; position < zone->nodeCount(); ++position)
        if (const ZoneNode node = zone->nodeAt(position); isEpochMarkName(node.name()))
            TRY_VOID(checkMarkedName(*zone, markedName(node.name())));
    return ZonePointer(std::move(zone));
}

}  // namespace swb::dns
