#include "dispatch/zone_composition.h"

#include <set>

#include "base/log.h"
#include "dns/record_json.h"

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

Result<std::vector<dns::ZoneRecordSet>> staticRecords(const store::Store& store, const dns::Name& zone) {
    const std::string id = withoutFinalDot(zone.toText());
    const auto document = TRY(store.get(zoneDocumentKind, id));
    if (!document) return std::vector<dns::ZoneRecordSet>();
    JsonReader reader(document->body);
    const JsonArray* records = reader.array("records");
    TRY_VOID(reader.finish());
    if (!records) return std::vector<dns::ZoneRecordSet>();
    return dns::recordSetsFromJson(*records);
}

Json zoneDocument(const std::vector<dns::ZoneRecordSet>& records) {
    return JsonObject{{"records", dns::recordSetsToJson(records)}};
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
    entry.ttlSeconds = static_cast<uint32_t>(group.ttl);
    entry.addresses = TRY(parseAddresses(addresses));
    return entry;
}

Result<void> keepLastGood(dns::ZoneDefinition& wanted, const dns::ZoneSnapshot& answered, const store::Store& store,
                          const std::map<std::string, Group>& groupsById) {
    std::map<std::string, size_t> wantedByGroup;
    for (size_t i = 0; i < wanted.addresses.size(); ++i) wantedByGroup[wanted.addresses[i].group] = i;
    std::optional<std::set<std::string>> deleted;
    for (dns::FailoverAddress& present : answered.failoverAddresses()) {
        const auto group = groupsById.find(present.group);
        const auto entry = wantedByGroup.find(present.group);
        const std::string address = withoutFinalDot(present.name.toText());
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
        if (entry != wantedByGroup.end())
            wanted.addresses[entry->second] = std::move(present);
        else
            wanted.addresses.push_back(std::move(present));
    }
    return {};
}

}  // namespace swb::dispatch
