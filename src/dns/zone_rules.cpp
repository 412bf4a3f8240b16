#include "dns/zone_rules.h"

#include "dns/epoch_mark.h"

namespace swb::dns {

Result<void> checkNameServerTargets(const ZoneSnapshot& zone) {
    for (uint32_t position = 0; position < zone.nodeCount(); ++position) {
        const ZoneNode node = zone.nodeAt(position);
        const RecordSet* servers = node.find(type::ns);
        if (!servers) continue;
        for (const Rdata& data : servers->records) {
            const NameView target = nameInRdata(data);
            const ZoneNode found = zone.nodeOf(target);
            if (found && found.find(type::cname))
                return fail(ErrorCode::InvalidInput, "the name server " + target.toText() + " is a CNAME",
                            "name it by a name that has the addresses itself (RFC 2181)");
        }
    }
    return {};
}

Result<void> checkMarkedName(const ZoneSnapshot& zone, NameView name) {
    if (!name.isAtOrBelow(zone.origin())) return {};
    const auto address = zone.failoverAddressAt(name);
    NameBuffer markName;
    if (!epochMarkName(name, markName)) return {};
    const ZoneNode mark = zone.nodeOf(markName.view());
    const RecordSet* text = mark ? mark.find(type::txt) : nullptr;
    if (!text || !epochMarkOf(*text)) return {};
    if (!address || address->addresses.empty())
        return fail(ErrorCode::InvalidInput,
                    "the failover address " + name.toText() + " would be answered with no address at all");
    if (zone.lookup(HashedName(name), type::a).found != ZoneSnapshot::Found::node)
        return fail(ErrorCode::InvalidInput, "the failover address " + name.toText() +
                                                 " lies below a name that is delegated to other name servers");
    return {};
}

}  // namespace swb::dns
