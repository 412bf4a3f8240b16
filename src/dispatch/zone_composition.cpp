#include "dispatch/zone_composition.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/log.h"
#include "dns/rdata.h"
#include "dns/service_hints.h"

namespace swb::dispatch {
namespace {

Result<std::vector<dns::IpAddress>> parseAddresses(const std::vector<std::string>& texts) {
    std::vector<dns::IpAddress> out;
    for (const std::string& text : texts) out.push_back(TRY(dns::IpAddress::fromText(text)));
    return out;
}

std::string withoutFinalDot(std::string name) {
    if (name.size() > 1 && name.ends_with('.')) name.pop_back();
    return name;
}

Result<uint32_t> ttlOf(const std::string& name, int64_t seconds) {
    if (seconds < 0 || seconds > dns::ttlMax)
        return fail(ErrorCode::InvalidInput, "the TTL of " + name + " is out of range");
    return static_cast<uint32_t>(seconds);
}

Result<std::set<std::string>> addressesOfDeletedGroups(const store::Store& store) {
    std::set<std::string> addresses;
    store::EventQuery query;
    query.typePrefix = "group.deleted";
    for (;;) {
        const auto events = TRY(store.events(query));
        for (const store::Event& event : events) {
            addresses.insert(textAt(event.detail, "address"));
            query.after = event.sequence;
        }
        if (events.size() < query.limit) return addresses;
    }
}

}  // namespace

ZoneSettings ZoneSettings::of(const std::string& otherZone) const {
    ZoneSettings other = *this;
    other.zone = otherZone;
    for (NameServer& server : other.nameServers) {
        if (server.name.find('.') == std::string::npos) server.name += "." + zone;
        if (!(server.name.ends_with("." + otherZone) || server.name == otherZone)) server.addresses.clear();
    }
    return other;
}

Result<dns::ZoneDefinition> emptyZone(const ZoneSettings& settings) {
    dns::ZoneDefinition zone;
    zone.origin = TRY(dns::Name::fromText(settings.zone));
    if (!settings.mailbox.empty()) zone.mailbox = TRY(dns::Name::fromText(settings.mailbox));
    for (const ZoneSettings::NameServer& server : settings.nameServers) {
        const bool isLabel = server.name.find('.') == std::string::npos;
        zone.nameServers.push_back({TRY(dns::Name::fromText(isLabel ? server.name + "." + settings.zone : server.name)),
                                    TRY(parseAddresses(server.addresses))});
    }
    return zone;
}

std::string documentText(const dns::Name& name) {
    std::string text = withoutFinalDot(name.toText());
    for (char& character : text) character = static_cast<char>(dns::lowerCase(static_cast<uint8_t>(character)));
    return text;
}

Result<swb::Zone> zoneDocument(const store::Store& store, const dns::Name& zone) {
    const std::string id = documentText(zone);
    const auto document = TRY(store.get("zone", id));
    if (!document) return swb::Zone{id, {}, {}};
    return zoneFromJson(document->body);
}

Result<std::vector<dns::ZoneRecordSet>> staticRecords(const store::Store& store, const swb::Zone& zone) {
    std::vector<dns::ZoneRecordSet> sets;
    for (const StaticRecords& records : zone.records) {
        dns::ZoneRecordSet set;
        set.name = TRY(dns::Name::fromText(records.name));
        set.set.type = TRY(dns::typeFromText(records.type));
        set.set.ttlSeconds = TRY(ttlOf(records.name, records.ttl));
        for (const std::string& text : records.data)
            set.set.records.push_back(TRY(dns::rdataFromText(set.set.type, text)));
        sets.push_back(std::move(set));
    }
    for (const Alias& alias : zone.aliases) {
        const auto found = TRY(store.get("alias", alias.name));
        if (!found || textAt(found->body, "target") != alias.target) continue;
        dns::ZoneRecordSet ipv4, ipv6;
        ipv4.name = ipv6.name = TRY(dns::Name::fromText(alias.name));
        ipv4.set.type = dns::type::a;
        ipv6.set.type = dns::type::aaaa;
        ipv4.set.ttlSeconds = ipv6.set.ttlSeconds = TRY(ttlOf(alias.name, alias.ttl));
        JsonReader reader(found->body);
        for (const dns::IpAddress& address : TRY(parseAddresses(reader.strings("addresses"))))
            (address.family == dns::AddressFamily::ipv4 ? ipv4 : ipv6).set.records.emplace_back(address.wire());
        for (dns::ZoneRecordSet* set : {&ipv4, &ipv6})
            if (!set->set.records.empty()) sets.push_back(std::move(*set));
    }
    return sets;
}

Result<dns::FailoverAddress> atAlias(const dns::FailoverAddress& address, const Alias& alias) {
    dns::FailoverAddress entry = address;
    entry.name = TRY(dns::Name::fromText(alias.name));
    entry.ttlSeconds = std::min(entry.ttlSeconds, TRY(ttlOf(alias.name, alias.ttl)));
    return entry;
}

Result<Application> applicationOf(const store::Document& document) {
    const Json* definition = memberAt(document.body, "definition");
    return applicationFromJson(definition ? *definition : Json(nullptr));
}

Result<std::optional<dns::FailoverAddress>> failoverAddressOf(const Group& group, const Application* current) {
    if (group.current.empty() || !current) return std::optional<dns::FailoverAddress>();
    const auto addresses = answeredAddresses(group, *current);
    if (addresses.empty()) return std::optional<dns::FailoverAddress>();
    dns::FailoverAddress entry;
    entry.group = group.id;
    entry.epoch = group.epoch;
    entry.name = TRY(dns::Name::fromText(group.address));
    entry.ttlSeconds = static_cast<uint32_t>(group.answeredTtl());
    entry.addresses = TRY(parseAddresses(addresses));
    return entry;
}

void followAcrossZones(std::span<dns::ZoneDefinition* const> zones) {
    // Most zones have no such record; then nothing is gathered.
    std::unordered_map<dns::Name, std::vector<dns::ZoneDefinition*>, dns::NameHash, dns::NameEqual> wanted;
    for (dns::ZoneDefinition* zone : zones)
        for (const dns::ZoneRecordSet& record : zone->records) {
            if (!dns::isServiceType(record.set.type)) continue;
            for (const dns::Name& target : dns::hintTargets(record.set, record.name)) wanted[target].push_back(zone);
        }
    if (wanted.empty()) return;
    for (const dns::ZoneDefinition* zone : zones)
        for (const dns::FailoverAddress& address : zone->addresses) {
            const auto found = wanted.find(address.name);
            if (found == wanted.end()) continue;
            for (dns::ZoneDefinition* asking : found->second)
                if (asking != zone) asking->elsewhere.push_back({address.name, address.addresses});
        }
}

Result<void> keepLastGood(dns::ZoneDefinition& wanted, const dns::ZoneSnapshot& answered, const store::Store& store,
                          const std::map<std::string, Group>& groupsById) {
    std::map<std::string, size_t> wantedByName;
    for (size_t i = 0; i < wanted.addresses.size(); ++i) wantedByName[documentText(wanted.addresses[i].name)] = i;
    std::optional<std::set<std::string>> deleted;
    for (dns::FailoverAddress& present : answered.failoverAddresses()) {
        const auto group = groupsById.find(present.group);
        const std::string address = documentText(present.name);
        const auto entry = wantedByName.find(address);
        if (group != groupsById.end()) {
            if (group->second.epoch >= present.epoch) continue;
            logWarning("dns", "the store has epoch {} of group {}, the zone epoch {}: {} stays as it is",
                       group->second.epoch, group->second.name, present.epoch, address);
        } else {
            if (!deleted) deleted = TRY(addressesOfDeletedGroups(store));
            if (deleted->contains(address)) continue;
            logWarning("dns", "the store does not know the group {}: its address {} stays as it is", present.group,
                       address);
        }
        if (entry != wantedByName.end())
            wanted.addresses[entry->second] = std::move(present);
        else
            wanted.addresses.push_back(std::move(present));
    }
    return {};
}

}  // namespace swb::dispatch
