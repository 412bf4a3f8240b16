// What a zone is made from, as plain data, and what can be done to it: the controller's side of a zone.
//
// A definition is composed from the groups' current state (one FailoverAddress each), the settings and static records;
// edits say what changes. Neither knows serials of changes, signatures or where the bytes lie (zone.h does).
#pragma once

#include <string>

#include "dns/address.h"
#include "dns/record_set.h"

namespace swb::dns {

constexpr size_t addressesPerNameMax = 16;     // all of them fit in one plain UDP answer
constexpr size_t nameServersMax = 13;          // their NS set fits in one plain UDP answer
constexpr size_t zoneRecordSetsMax = 200'000;  // static record sets; the groups' addresses have their own limit
constexpr size_t recordsPerSetMax = 256;
constexpr uint32_t negativeTtlMax = 300;  // a new group must not stay invisible for longer

struct NameServer {
    Name name;
    std::vector<IpAddress> addresses;  // required exactly when the name is inside the zone

    bool operator==(const NameServer&) const = default;
};

// What a failover address answers now, and for which epoch of the group that was decided. The zone adds the mark that
// says so to everyone (epoch_mark.h), and lets the hints of HTTPS and SVCB records about it follow (service_hints.h).
struct FailoverAddress {
    std::string group;
    int64_t epoch = 0;
    Name name;
    uint32_t ttlSeconds = 300;
    std::vector<IpAddress> addresses;

    bool operator==(const FailoverAddress&) const = default;
};

// A failover address of another zone that hints in this one follow.
struct AddressElsewhere {
    Name name;
    std::vector<IpAddress> addresses;

    bool operator==(const AddressElsewhere&) const = default;
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
    std::vector<AddressElsewhere> elsewhere;

    bool operator==(const ZoneDefinition&) const = default;
};

// Removals happen first, so that a name can pass from one owner to another.
struct ZoneEdits {
    struct RemovedSet {
        Name name;
        uint16_t type = 0;
    };

    std::vector<Name> removedAddresses;      // failover names, each with its mark; absent ones are no error
    std::vector<RemovedSet> removedRecords;  // static record sets; absent ones are no error
    std::vector<FailoverAddress> addresses;  // new, or in place of what is there
    std::vector<ZoneRecordSet> records;      // static record sets, new or in place of what is there
    std::vector<AddressElsewhere> elsewhere;
};

}  // namespace swb::dns
