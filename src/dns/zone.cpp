#include "dns/zone.h"

#include <algorithm>
#include <cstring>

#include "dns/zone_check.h"

namespace swb::dns {
namespace {

bool sortsBefore(const ZoneRecordSet& left, const ZoneRecordSet& right) {
    const int byName = compareCanonically(left.name, right.name);
    return byName != 0 ? byName < 0 : left.type < right.type;
}

void appendU32(Rdata& data, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) data += static_cast<char>(value >> shift);
}

Rdata soaData(const ZoneDefinition& definition) {
    Rdata data(definition.nameServers.front().name.view().wire());
    data += definition.mailbox.view().wire();
    for (const uint32_t number : {definition.serial, definition.refreshSeconds, definition.retrySeconds,
                                  definition.expireSeconds, definition.minimumSeconds})
        appendU32(data, number);
    return data;
}

void addAddressSets(std::vector<ZoneRecordSet>& sets, const Name& name, uint32_t ttlSeconds,
                    const std::vector<IpAddress>& addresses) {
    ZoneRecordSet ipv4{name, type::a, ttlSeconds, {}};
    ZoneRecordSet ipv6{name, type::aaaa, ttlSeconds, {}};
    for (const IpAddress& address : addresses)
        (address.family == AddressFamily::ipv4 ? ipv4 : ipv6).records.emplace_back(address.wire());
    for (ZoneRecordSet* set : {&ipv4, &ipv6})
        if (!set->records.empty()) sets.push_back(std::move(*set));
}

void sortDefinition(ZoneDefinition& definition) {
    std::sort(definition.addresses.begin(), definition.addresses.end(), [](const auto& left, const auto& right) {
        return left.group != right.group ? left.group < right.group : compareCanonically(left.name, right.name) < 0;
    });
    std::sort(definition.records.begin(), definition.records.end(), sortsBefore);
}

bool isWildcard(NameView name) {
    return name.firstLabel() == "*" && !name.isRoot();
}

}  // namespace

bool isNewerSerial(uint32_t serial, uint32_t than) {
    const uint32_t step = serial - than;
    return step != 0 && step < 0x80000000u;
}

// 0 is left out: some secondaries take it for "no zone yet".
uint32_t nextSerial(uint32_t serial) {
    return serial + 1 == 0 ? 1 : serial + 1;
}

Result<std::shared_ptr<const ZoneSnapshot>> ZoneSnapshot::build(ZoneDefinition definition) {
    if (definition.mailbox.view().isRoot())
        definition.mailbox = TRY(Name::fromText("hostmaster." + definition.origin.toText()));
    TRY_VOID(checkDefinition(definition));
    sortDefinition(definition);
    std::shared_ptr<ZoneSnapshot> zone(new ZoneSnapshot(std::move(definition)));
    TRY_VOID(zone->collectSets());
    TRY_VOID(zone->indexSets());
    TRY_VOID(zone->checkNameServerTargets());
    TRY_VOID(zone->checkAddressesVisible());
    zone->soa_ = *zone->findSet(*zone->exactNode(zone->origin()), type::soa);
    return ZonePointer(std::move(zone));
}

Result<void> ZoneSnapshot::collectSets() {
    sets_ = definition_.records;
    for (const FailoverAddress& address : definition_.addresses)
        addAddressSets(sets_, address.name, address.ttlSeconds, address.addresses);
    addApexSets();
    std::sort(sets_.begin(), sets_.end(), sortsBefore);
    const auto twice = std::adjacent_find(sets_.begin(), sets_.end(), [](const auto& left, const auto& right) {
        return left.type == right.type && left.name == right.name;
    });
    if (twice != sets_.end())
        return fail(ErrorCode::InvalidInput,
                    "the zone has two record sets of type " + typeToText(twice->type) + " for " + twice->name.toText(),
                    "a failover address, a name server or a static record must give way");
    return {};
}

void ZoneSnapshot::addApexSets() {
    sets_.push_back({definition_.origin, type::soa, definition_.soaTtlSeconds, {soaData(definition_)}});
    ZoneRecordSet servers{definition_.origin, type::ns, definition_.nameServerTtlSeconds, {}};
    for (const NameServer& server : definition_.nameServers) {
        servers.records.emplace_back(server.name.view().wire());
        addAddressSets(sets_, server.name, definition_.nameServerTtlSeconds, server.addresses);
    }
    sets_.push_back(std::move(servers));
}

Result<void> ZoneSnapshot::indexSets() {
    nodes_.reserve(sets_.size() * 2);
    for (uint32_t first = 0, end = 0; first < sets_.size(); first = end) {
        const Name& name = sets_[first].name;
        for (end = first; end < sets_.size() && sets_[end].name == name; ++end)
            if (sets_[end].type == type::cname &&
                (end > first || (end + 1 < sets_.size() && sets_[end + 1].name == name)))
                return fail(ErrorCode::InvalidInput, name.toText() + " has a CNAME and other records",
                            "a CNAME must be the only record of its name");
        Node node{first, end - first, false};
        node.isDelegation = name != definition_.origin && findSet(node, type::ns) != nullptr;
        hasDelegations_ |= node.isDelegation;
        hasWildcards_ |= isWildcard(name);
        deepestLabels_ = std::max(deepestLabels_, name.view().labelCount());
        nodes_[name] = node;
        // The names between this one and the origin exist too, with or without records.
        for (NameView above = name; above != origin(); above = above.parent())
            if (!nodes_.try_emplace(Name(above.parent())).second) break;
    }
    return {};
}

Result<void> ZoneSnapshot::checkNameServerTargets() const {
    for (const ZoneRecordSet& set : sets_) {
        if (set.type != type::ns) continue;
        for (const Rdata& target : set.records) {
            const Node* node = exactNode(nameInRdata(target));
            if (node && findSet(*node, type::cname))
                return fail(ErrorCode::InvalidInput, "the name server " + nameInRdata(target).toText() + " is a CNAME",
                            "name it by a name that has the addresses itself (RFC 2181)");
        }
    }
    return {};
}

Result<void> ZoneSnapshot::checkAddressesVisible() const {
    for (const FailoverAddress& address : definition_.addresses)
        if (lookup(address.name, type::a).found != Found::node)
            return fail(ErrorCode::InvalidInput, "the failover address " + address.name.toText() +
                                                     " lies below a name that is delegated to other name servers");
    return {};
}

uint32_t ZoneSnapshot::negativeTtlSeconds() const {
    return std::min(definition_.soaTtlSeconds, definition_.minimumSeconds);
}

ZoneSnapshot::Lookup ZoneSnapshot::lookup(NameView name, uint16_t type) const {
    NameView existing = name;
    // Nothing exists deeper than the deepest name, so a question with a hundred labels costs no hundred searches.
    for (size_t labels = name.labelCount(); labels > deepestLabels_; --labels) existing = existing.parent();
    const bool tooDeep = existing.size() != name.size();
    if (hasDelegations_) {
        const Node* topmost = nullptr;
        for (NameView at = existing; at.size() > origin().size(); at = at.parent()) {
            const Node* node = exactNode(at);
            const bool asksParentSide = type == type::ds && at.size() == name.size();
            if (node && node->isDelegation && !asksParentSide) topmost = node;
        }
        if (topmost) return {Found::delegation, topmost};
    }
    if (!tooDeep)
        if (const Node* node = exactNode(name)) return {Found::node, node};
    if (hasWildcards_)
        if (const Node* node = wildcardFor(tooDeep ? existing : name.parent())) return {Found::node, node};
    return {};
}

// RFC 4592: only the wildcard directly below the closest existing name counts.
const ZoneSnapshot::Node* ZoneSnapshot::wildcardFor(NameView name) const {
    while (!exactNode(name)) name = name.parent();
    NameBuffer wildcard;
    if (name.size() + 2 > nameBytesMax) return nullptr;
    wildcard.bytes[0] = 1;
    wildcard.bytes[1] = '*';
    std::memcpy(wildcard.bytes.data() + 2, name.wire().data(), name.size());
    wildcard.size = name.size() + 2;
    return exactNode(wildcard.view());
}

const ZoneSnapshot::Node* ZoneSnapshot::exactNode(NameView name) const {
    const auto found = nodes_.find(name);
    return found == nodes_.end() ? nullptr : &found->second;
}

const ZoneRecordSet* ZoneSnapshot::findSet(const Node& node, uint16_t type) const {
    for (uint32_t i = 0; i < node.setCount; ++i)
        if (sets_[node.firstSet + i].type == type) return &sets_[node.firstSet + i];
    return nullptr;
}

Result<void> checkSuccessor(const ZoneSnapshot& current, const ZoneSnapshot& next) {
    if (current.definition() == next.definition()) return {};
    const std::string zone = current.origin().toText();
    if (current.origin() != next.origin())
        return fail(ErrorCode::Conflict, "the zone here is " + zone + ", not " + next.origin().toText());
    if (!isNewerSerial(next.serial(), current.serial()))
        return fail(ErrorCode::Conflict,
                    "serial " + std::to_string(next.serial()) + " of " + zone + " is not newer than " +
                        std::to_string(current.serial()),
                    "read the zone again and publish with a newer serial");
    // Both lists are sorted by group.
    auto newer = next.definition().addresses.begin();
    const auto newerEnd = next.definition().addresses.end();
    for (const FailoverAddress& address : current.definition().addresses) {
        while (newer != newerEnd && newer->group < address.group) ++newer;
        if (newer == newerEnd) break;
        if (newer->group == address.group && newer->epoch < address.epoch)
            return fail(ErrorCode::EpochOld,
                        "the address of " + address.group + " is of epoch " + std::to_string(address.epoch) +
                            "; epoch " + std::to_string(newer->epoch) + " is older",
                        "the group has been switched since; read its state again");
    }
    return {};
}

}  // namespace swb::dns
