#include "dns/transfer/notify_set.h"

#include <algorithm>

#include "dns/rdata.h"

namespace swb::dns::transfer {

std::vector<Name> serversOf(const NotifyRules& rules, const ZoneSnapshot& zone) {
    std::vector<Name> servers;
    const RecordSet* set = rules.notifyNameServers ? zone.nodeAt(0).find(type::ns) : nullptr;
    if (!set) return servers;
    const Rdata& soa = zone.soa().records.front();
    const NameView primary = WireReader({reinterpret_cast<const uint8_t*>(soa.data()), soa.size()}).plainName();
    for (const Rdata& data : set->records)
        if (const NameView name = nameInRdata(data); name != primary) servers.emplace_back(name);
    return servers;
}

std::vector<IpAddress> addressesIn(const ZoneSnapshot& zone, const Name& server) {
    std::vector<IpAddress> addresses;
    const ZoneNode node = zone.nodeOf(server);
    for (const uint16_t type : {type::a, type::aaaa}) {
        const RecordSet* set = node ? node.find(type) : nullptr;
        if (!set) continue;
        for (const Rdata& data : set->records) addresses.push_back(IpAddress::fromWire(data));
    }
    return addresses;
}

std::vector<Secondary> secondariesOf(const NotifyRules& rules, const ZoneSnapshot& zone,
                                     const AddressesOf& addressesOf) {
    std::vector<Secondary> secondaries = rules.also;
    const auto add = [&](const IpAddress& address) {
        const Endpoint endpoint{address, rules.nameServerPort};
        const bool isOwn = std::find(rules.own.begin(), rules.own.end(), address) != rules.own.end();
        const bool isKnown = std::any_of(secondaries.begin(), secondaries.end(),
                                         [&](const Secondary& known) { return known.endpoint == endpoint; });
        if (!isOwn && !isKnown) secondaries.push_back({endpoint, rules.nameServerKey});
    };
    const std::vector<Name> servers = serversOf(rules, zone);
    for (const Name& server : servers) {
        const std::vector<IpAddress> addresses = addressesOf(server);
        std::for_each(addresses.begin(), addresses.end(), add);
    }
    if (secondaries.size() > secondariesMax) secondaries.resize(secondariesMax);
    return secondaries;
}

}  // namespace swb::dns::transfer
