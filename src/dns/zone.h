// The zone: what the name server answers from.
//
//     ZoneDefinition ──build()──▶ ZoneSnapshot ──publish──▶ answer()
//        │  ▲  plain data, JSON        immutable, indexed; shared by all threads
//        ▼  │
//     zone file on disk (snapshot_file.h), written before it is answered
//
// The controller composes a definition from the groups' current state (one FailoverAddress each) and static records,
// builds a snapshot, saves it, publishes it. A snapshot never changes; a change is a new snapshot with a newer serial.
// Looking something up takes no lock and no memory.
//
// What it must never do: hold an empty address set (an address that leads nowhere is worse than an old one), or
// replace a newer epoch of a group by an older one (checkSuccessor; invariant I11).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "dns/address.h"
#include "dns/name.h"
#include "dns/rdata.h"

namespace swb::dns {

constexpr size_t addressesPerNameMax = 16;     // all of them fit in one plain UDP answer
constexpr size_t nameServersMax = 13;          // their NS set fits in one plain UDP answer
constexpr size_t zoneRecordSetsMax = 200'000;  // static record sets; the groups' addresses have their own limit
constexpr size_t recordsPerSetMax = 256;
constexpr size_t zoneFileBytesMax = 128 << 20;  // 100,000 groups take about 20 MiB
constexpr uint32_t negativeTtlMax = 300;        // a new group must not stay invisible for longer

// All records of one name and type; one TTL for all (RFC 2181 §5.2).
struct ZoneRecordSet {
    Name name;
    uint16_t type = 0;
    uint32_t ttlSeconds = 0;
    std::vector<Rdata> records;

    bool operator==(const ZoneRecordSet&) const = default;
};

struct NameServer {
    Name name;
    std::vector<IpAddress> addresses;  // required exactly when the name is inside the zone

    bool operator==(const NameServer&) const = default;
};

// What a failover address answers now, and for which epoch of the group that was decided.
struct FailoverAddress {
    std::string group;
    int64_t epoch = 0;
    Name name;
    uint32_t ttlSeconds = 300;
    std::vector<IpAddress> addresses;

    bool operator==(const FailoverAddress&) const = default;
};

struct ZoneDefinition {
    Name origin;
    uint32_t serial = 1;
    Name mailbox;  // SOA RNAME; the root means hostmaster.<origin>
    uint32_t soaTtlSeconds = 3600;
    uint32_t refreshSeconds = 14400;
    uint32_t retrySeconds = 3600;
    uint32_t expireSeconds = 1209600;
    uint32_t minimumSeconds = 300;
    uint32_t nameServerTtlSeconds = 3600;
    std::vector<NameServer> nameServers;  // the first is the SOA's MNAME
    std::vector<FailoverAddress> addresses;
    std::vector<ZoneRecordSet> records;

    bool operator==(const ZoneDefinition&) const = default;
};

// RFC 1982: serials compare around a circle; the step forward must be less than half of it.
bool isNewerSerial(uint32_t serial, uint32_t than);
uint32_t nextSerial(uint32_t serial);

Json zoneToJson(const ZoneDefinition& definition);
Result<ZoneDefinition> zoneFromJson(const Json& value);

class ZoneSnapshot {
  public:
    // One name of the zone. Without any record set it is an empty non-terminal (RFC 8020): it exists all the same.
    struct Node {
        uint32_t firstSet = 0;
        uint32_t setCount = 0;
        bool isDelegation = false;  // NS below the apex
    };
    enum class Found : uint8_t { node, delegation, nothing };
    struct Lookup {
        Found found = Found::nothing;
        const Node* node = nullptr;
    };

    // Checks everything a zone must fulfil; the error names the record.
    static Result<std::shared_ptr<const ZoneSnapshot>> build(ZoneDefinition definition);

    // With its lists in canonical order, so that equal zones compare equal.
    const ZoneDefinition& definition() const { return definition_; }
    NameView origin() const { return definition_.origin; }
    uint32_t serial() const { return definition_.serial; }
    const ZoneRecordSet& soa() const { return soa_; }
    // RFC 2308 §3: the lesser of the SOA's TTL and its MINIMUM field.
    uint32_t negativeTtlSeconds() const;

    // Precondition: name is at or below the origin. A delegation above the name hides it; asking for DS at the
    // delegation itself does not (RFC 4035 §3.1.4.1). Wildcards are applied (RFC 4592).
    Lookup lookup(NameView name, uint16_t type) const;
    // Exactly this name, delegations or not: for glue.
    const Node* exactNode(NameView name) const;
    std::span<const ZoneRecordSet> setsOf(const Node& node) const {
        return {sets_.data() + node.firstSet, node.setCount};
    }
    const ZoneRecordSet* findSet(const Node& node, uint16_t type) const;

  private:
    using Nodes = std::unordered_map<Name, Node, NameHash, NameEqual>;

    explicit ZoneSnapshot(ZoneDefinition definition) : definition_(std::move(definition)) {}
    Result<void> collectSets();
    Result<void> indexSets();
    void addApexSets();
    Result<void> checkNameServerTargets() const;
    Result<void> checkAddressesVisible() const;
    const Node* wildcardFor(NameView name) const;

    ZoneDefinition definition_;
    std::vector<ZoneRecordSet> sets_;  // by name, then type
    Nodes nodes_;
    ZoneRecordSet soa_;
    size_t deepestLabels_ = 0;  // of any name; a longer one cannot exist
    bool hasDelegations_ = false;
    bool hasWildcards_ = false;
};

using ZonePointer = std::shared_ptr<const ZoneSnapshot>;

// Whether next may take the place of current: another zone, an older serial, or an older epoch of any group may not.
// A zone equal to the current one may (and changes nothing).
Result<void> checkSuccessor(const ZoneSnapshot& current, const ZoneSnapshot& next);

}  // namespace swb::dns
