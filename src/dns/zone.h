// A zone as it is answered: immutable, shared by all threads, searched without a lock and without memory.
//
//     ZoneDefinition ──build──▶ ZoneSnapshot ──draft(edits)──▶ ZoneChange ─(signer)─▶ with(change) ──▶ next
//     ZoneSnapshot
//                                  │  index: names, shared until a name comes or goes      (zone_index.h)
//                                  │  contents: record sets in copy-on-write blocks        (zone_contents.h)
//                                  └─▶ ZoneSet ──▶ SnapshotCell ──▶ answer()
//
// A change is a new snapshot with a newer serial; it costs time proportional to what it touches, and to the zone only
// when a name comes or goes.
//
// What it must never do: hold an empty address set (an address that leads nowhere is worse than an old one), or let an
// older epoch of a group follow a newer one (invariant I11).
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "dns/change.h"
#include "dns/serial.h"
#include "dns/service_index.h"
#include "dns/zone_contents.h"
#include "dns/zone_definition.h"
#include "dns/zone_index.h"

namespace swb::dns {

// One name of a zone, by value; valid as long as its snapshot. Without record sets it is an empty non-terminal
// (RFC 8020): it exists all the same.
class ZoneNode {
  public:
    ZoneNode() = default;  // no node
    ZoneNode(uint32_t position, NameView name, const std::vector<RecordSet>* sets, bool isDelegation)
        : name_(name), sets_(sets), position_(position), isDelegation_(isDelegation) {}

    explicit operator bool() const { return position_ != ZoneIndex::none; }
    uint32_t position() const { return position_; }
    NameView name() const { return name_; }
    std::span<const RecordSet> sets() const { return sets_ ? std::span(*sets_) : std::span<const RecordSet>(); }
    const RecordSet* find(uint16_t type) const;
    bool isDelegation() const { return isDelegation_; }  // NS below the apex, and not itself hidden

  private:
    NameView name_;
    const std::vector<RecordSet>* sets_ = nullptr;
    uint32_t position_ = ZoneIndex::none;
    bool isDelegation_ = false;
};

class ZoneSnapshot;
using ZonePointer = std::shared_ptr<const ZoneSnapshot>;

class ZoneSnapshot {
  public:
    enum class Found : uint8_t { node, wildcard, delegation, nothing };
    struct Lookup {
        Found found = Found::nothing;
        ZoneNode node;             // the name, the wildcard in its place, or the delegation that hides it
        NameView closestEncloser;  // RFC 4592 §3.3.1; for wildcard and nothing
    };
    // The names whose NSEC records prove an answer, in the order to send them.
    struct Proof {
        std::array<ZoneNode, 2> nodes;
        size_t count = 0;
        std::span<const ZoneNode> span() const { return {nodes.data(), count}; }
    };

    // Checks everything a zone must fulfil; the error names the record. Time proportional to the zone.
    static Result<ZonePointer> build(ZoneDefinition definition);
    // A zone from elsewhere (transfer, disk), signatures and all. The sets may come in any order, the SOA among them.
    static Result<ZonePointer> fromSets(const Name& origin, std::vector<ZoneRecordSet> sets);

    // The unsigned change that the edits make, with the next serial; an empty one when they change nothing. Refused:
    // an older epoch of a group (EpochOld), no address, a name that belongs to another group or to static records.
    // notBefore: a serial that the next one must not be older than; a zone that is older changes in any case.
    Result<ZoneChange> draft(const ZoneEdits& edits, uint32_t notBefore = 0) const;
    // The unsigned change that makes this zone what the definition says, whose serial does not matter. The signer's
    // own record sets (isSignerType) are left alone.
    Result<ZoneChange> draftTo(ZoneDefinition definition, uint32_t notBefore = 0) const;
    // The next snapshot. Refused: a change of another zone or serial, or whose `before` is not what is here
    // (Conflict); an older epoch of a group (EpochOld); a result that breaks a rule of zones.
    Result<ZonePointer> with(const ZoneChange& change) const;

    const Name& origin() const { return origin_; }
    uint32_t serial() const { return serial_; }
    const RecordSet& soa() const { return *soa_; }
    // RFC 2308 §3: the lesser of the SOA's TTL and its MINIMUM field.
    uint32_t negativeTtlSeconds() const { return negativeTtlSeconds_; }
    bool isSigned() const { return !soa_->signatures.empty(); }
    // Whether it was made by with() from that snapshot: then all that checkSuccessor asks was checked there.
    bool isMadeFrom(const ZoneSnapshot& other) const { return madeFrom_ == other.identity_; }

    // Precondition: the name is at or below the origin. A delegation above the name hides it; asking for DS at the
    // delegation itself does not (RFC 4035 §3.1.4.1). Wildcards are applied (RFC 4592).
    Lookup lookup(const HashedName& name, uint16_t type) const;
    // What proves, in a signed zone, that the look-up's result is all there is: hasData says whether the record set
    // asked for (or a CNAME) was found at the node. Empty when there is nothing to prove.
    Proof proofOf(const Lookup& lookup, NameView name, bool hasData) const;

    // Exactly this name, delegations or not (for glue); no node when it does not exist.
    ZoneNode nodeOf(NameView name) const;
    ZoneNode nodeOf(const HashedName& name) const;
    // All names in canonical order, empty non-terminals and hidden ones among them; the apex is at 0.
    size_t nodeCount() const { return index_->size(); }
    ZoneNode nodeAt(uint32_t position) const;
    // The last name before this one, which need not exist itself, of those that NSEC records are made for: with record
    // sets and not hidden below a delegation. Round the circle: before the apex comes the zone's last such name.
    ZoneNode predecessor(NameView name) const;
    // The first one after it; after the zone's last name, the apex.
    ZoneNode successor(NameView name) const;

    // The sets whose hints follow other names.
    const ServiceIndex& services() const { return *services_; }

    // For LookAhead, which touches their memory before an answer needs it.
    const ZoneIndex& index() const { return *index_; }
    const ZoneContents& contents() const { return contents_; }

    // f(NameView, const RecordSet&) for every set, in canonical order; the SOA first.
    template <typename Visit>
    void forEachSet(Visit visit) const {
        visit(origin_.view(), soa());
        for (uint32_t position = 0; position < nodeCount(); ++position) {
            const ZoneNode node = nodeAt(position);
            for (const RecordSet& set : node.sets())
                if (set.type != type::soa) visit(node.name(), set);
        }
    }

    // What the zone says about a failover name: addresses, TTL, group and epoch; nothing when it is none.
    std::optional<FailoverAddress> failoverAddressAt(NameView name) const;
    std::vector<FailoverAddress> failoverAddresses() const;

  private:
    friend class ZoneChanger;

    ZoneSnapshot() = default;
    void adopt(std::shared_ptr<const ZoneIndex> index, ZoneContents contents);
    static Result<ZonePointer> fromSortedSets(const Name& origin, std::vector<ZoneRecordSet> sets);
    bool ownsNsec(const ZoneNode& node) const;

    Name origin_;
    std::shared_ptr<const ZoneIndex> index_;
    std::shared_ptr<const ServiceIndex> services_;
    ZoneContents contents_;
    NodeSets apexSets_;  // keeps soa_ alive
    const RecordSet* soa_ = nullptr;
    uint32_t serial_ = 0;
    uint32_t negativeTtlSeconds_ = 0;
    uint64_t identity_ = 0;  // unique in this process
    uint64_t madeFrom_ = 0;
};

// Types whose record sets the signer makes; a definition cannot give them.
bool isSignerType(uint16_t type);

// Names and record sets, signatures and serial included. Time proportional to the zone.
bool sameContents(const ZoneSnapshot& left, const ZoneSnapshot& right);

// Whether next may take the place of current: another zone, an older serial, or an older epoch of any group may not.
// A zone with the same serial may when it is the same zone. Time proportional to the zone unless made by with().
Result<void> checkSuccessor(const ZoneSnapshot& current, const ZoneSnapshot& next);

}  // namespace swb::dns
