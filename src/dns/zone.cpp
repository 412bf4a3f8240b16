#include "dns/zone.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "base/assert.h"
#include "dns/epoch_mark.h"
#include "dns/soa.h"

namespace swb::dns {
namespace {

uint64_t nextIdentity() {
    static std::atomic<uint64_t> last{0};
    return ++last;
}

std::vector<IpAddress> addressesOf(const ZoneNode& node) {
    std::vector<IpAddress> addresses;
    for (const uint16_t type : {type::a, type::aaaa})
        if (const RecordSet* set = node.find(type))
            for (const Rdata& data : set->records) addresses.push_back(IpAddress::fromWire(data));
    return addresses;
}

}  // namespace

const RecordSet* ZoneNode::find(uint16_t type) const {
    for (const RecordSet& set : sets())
        if (set.type == type) return &set;
    return nullptr;
}

bool isSignerType(uint16_t type) {
    return type == type::dnskey || type == type::cds || type == type::cdnskey || type == type::nsec ||
           type == type::nsec3 || type == type::nsec3param || type == type::rrsig;
}

// Precondition: the apex has a well-formed SOA record.
void ZoneSnapshot::adopt(std::shared_ptr<const ZoneIndex> index, ZoneContents contents) {
    index_ = std::move(index);
    contents_ = std::move(contents);
    apexSets_ = contents_.at(0);
    soa_ = nodeAt(0).find(type::soa);
    SWB_ASSERT(soa_ && soa_->records.size() == 1, "a zone has one SOA record");
    const SoaNumbers soa = soaNumbersOf(soa_->records.front());
    serial_ = soa.serial;
    negativeTtlSeconds_ = std::min(soa_->ttlSeconds, soa.minimumSeconds);
    identity_ = nextIdentity();
}

ZoneNode ZoneSnapshot::nodeAt(uint32_t position) const {
    return {position, index_->nameAt(position), contents_.at(position).get(), index_->cutOf(position) == position};
}

ZoneNode ZoneSnapshot::nodeOf(NameView name) const {
    return nodeOf(HashedName(name));
}

ZoneNode ZoneSnapshot::nodeOf(const HashedName& name) const {
    const uint32_t position = index_->find(name.name(), name.hash());
    return position == ZoneIndex::none ? ZoneNode() : nodeAt(position);
}

ZoneSnapshot::Lookup ZoneSnapshot::lookup(const HashedName& name, uint16_t type) const {
    // Nothing exists deeper than the deepest name, so a question with a hundred labels costs no hundred searches.
    const size_t count = name.labelCount(), deepest = index_->deepestLabels();
    size_t dropped = count > deepest ? count - deepest : 0;
    uint32_t position = ZoneIndex::none;
    // Ends at the apex at the latest.
    for (;; ++dropped) {
        position = index_->find(name.without(dropped), name.hashWithout(dropped));
        if (position != ZoneIndex::none) break;
    }
    const uint32_t cut = index_->cutOf(position);
    const bool asksParentSide = type == type::ds && dropped == 0 && cut == position;
    if (cut != ZoneIndex::none && !asksParentSide) return {Found::delegation, nodeAt(cut), {}};
    if (dropped == 0) return {Found::node, nodeAt(position), {}};
    const NameView closest = name.without(dropped);
    if (index_->hasWildcards() && closest.size() + 2 <= nameBytesMax) {
        // RFC 4592: only the wildcard directly below the closest existing name counts.
        NameBuffer wildcard;
        wildcardBelow(closest, wildcard);
        const uint32_t found = index_->find(wildcard.view(), name.wildcardHashBelow(dropped));
        // One that only lies above other names has no records to give.
        if (found != ZoneIndex::none) return {Found::wildcard, nodeAt(found), closest};
    }
    return {Found::nothing, {}, closest};
}

ZoneSnapshot::Proof ZoneSnapshot::proofOf(const Lookup& lookup, NameView name, bool hasData) const {
    Proof proof;
    const auto add = [&](const ZoneNode& node) {
        if (proof.count == 0 || proof.nodes[0].position() != node.position()) proof.nodes[proof.count++] = node;
    };
    switch (lookup.found) {
        case Found::delegation:
            if (!lookup.node.find(type::ds)) add(lookup.node);
            break;
        case Found::node:
            // An empty non-terminal has no NSEC of its own; the one before it names a descendant as next.
            if (!hasData) add(ownsNsec(lookup.node) ? lookup.node : predecessor(name));
            break;
        case Found::wildcard:
            if (!hasData) add(ownsNsec(lookup.node) ? lookup.node : predecessor(lookup.node.name()));
            add(predecessor(name));
            break;
        case Found::nothing: {
            add(predecessor(name));
            NameBuffer wildcard;
            if (lookup.closestEncloser.size() + 2 <= nameBytesMax) {
                wildcardBelow(lookup.closestEncloser, wildcard);
                add(predecessor(wildcard.view()));
            }
            break;
        }
    }
    return proof;
}

bool ZoneSnapshot::ownsNsec(const ZoneNode& node) const {
    const uint32_t cut = index_->cutOf(node.position());
    return !node.sets().empty() && (cut == ZoneIndex::none || cut == node.position());
}

ZoneNode ZoneSnapshot::predecessor(NameView name) const {
    const auto count = static_cast<uint32_t>(nodeCount());
    uint32_t position = index_->countBefore(name);
    for (uint32_t steps = 0; steps < count; ++steps) {
        position = (position == 0 ? count : position) - 1;
        const ZoneNode node = nodeAt(position);
        if (ownsNsec(node)) return node;
        // Everything hidden comes directly behind what hides it.
        if (const uint32_t cut = index_->cutOf(position); cut != ZoneIndex::none) position = cut + 1;
    }
    return nodeAt(0);
}

ZoneNode ZoneSnapshot::successor(NameView name) const {
    const auto count = static_cast<uint32_t>(nodeCount());
    uint32_t position = index_->countBefore(name);
    if (position < count && index_->nameAt(position) == name) ++position;
    for (; position < count; ++position)
        if (const ZoneNode node = nodeAt(position); ownsNsec(node)) return node;
    return nodeAt(0);
}

std::optional<FailoverAddress> ZoneSnapshot::failoverAddressAt(NameView name) const {
    NameBuffer markName;
    if (!epochMarkName(name, markName)) return {};
    const ZoneNode markNode = nodeOf(markName.view());
    const RecordSet* set = markNode ? markNode.find(type::txt) : nullptr;
    const auto mark = set ? epochMarkOf(*set) : std::nullopt;
    const ZoneNode node = nodeOf(name);
    if (!mark || !node) return {};
    FailoverAddress address{std::string(mark->group), mark->epoch, Name(node.name()), set->ttlSeconds, {}};
    address.addresses = addressesOf(node);
    return address;
}

std::vector<FailoverAddress> ZoneSnapshot::failoverAddresses() const {
    std::vector<FailoverAddress> all;
    for (uint32_t position = 0; position < nodeCount(); ++position) {
        const NameView name = index_->nameAt(position);
        if (position == 0 || !isEpochMarkName(name)) continue;
        if (auto address = failoverAddressAt(markedName(name))) all.push_back(*std::move(address));
    }
    return all;
}

bool sameContents(const ZoneSnapshot& left, const ZoneSnapshot& right) {
    if (left.origin() != right.origin() || left.nodeCount() != right.nodeCount()) return false;
    for (uint32_t position = 0; position < left.nodeCount(); ++position) {
        const ZoneNode ofLeft = left.nodeAt(position), ofRight = right.nodeAt(position);
        const auto leftSets = ofLeft.sets(), rightSets = ofRight.sets();
        if (ofLeft.name() != ofRight.name() ||
            !std::equal(leftSets.begin(), leftSets.end(), rightSets.begin(), rightSets.end()))
            return false;
    }
    return true;
}

Result<void> checkSuccessor(const ZoneSnapshot& current, const ZoneSnapshot& next) {
    if (&current == &next || next.isMadeFrom(current) || sameContents(current, next)) return {};
    const std::string zone = current.origin().toText();
    if (current.origin() != next.origin())
        return fail(ErrorCode::Conflict, "the zone here is " + zone + ", not " + next.origin().toText());
    if (!isNewerSerial(next.serial(), current.serial()))
        return fail(ErrorCode::Conflict,
                    "serial " + std::to_string(next.serial()) + " of " + zone + " is not newer than " +
                        std::to_string(current.serial()),
                    "another zone has been published meanwhile; compose it again");
    std::unordered_map<std::string, int64_t> epochs;
    for (const FailoverAddress& address : next.failoverAddresses()) {
        const auto [known, isNew] = epochs.try_emplace(address.group, address.epoch);
        if (!isNew) known->second = std::min(known->second, address.epoch);
    }
    for (const FailoverAddress& address : current.failoverAddresses()) {
        const auto newer = epochs.find(address.group);
        if (newer != epochs.end() && newer->second < address.epoch)
            return fail(epochOld(address.group, address.epoch, newer->second));
    }
    return {};
}

}  // namespace swb::dns
