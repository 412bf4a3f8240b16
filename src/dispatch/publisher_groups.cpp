// Publishing single groups: what a switch does. It reads their documents and no others.
#include "dispatch/publisher.h"
#include "dispatch/zone_composition.h"

namespace swb::dispatch {

Result<uint32_t> Publisher::publishGroup(const store::Store& store, const std::string& name) {
    const auto document = TRY(store.get("group", name));
    if (!document) return publish(store);
    const std::lock_guard lock(mutex_);
    return publishGroups(store, {TRY(groupFromJson(document->body))});
}

Result<uint32_t> Publisher::publishApplication(const store::Store& store, const std::string& application) {
    const std::lock_guard lock(mutex_);
    std::vector<Group> groups;
    for (const store::Document& document : TRY(store.list("group")))
        if (textAt(document.body, "current") == application) groups.push_back(TRY(groupFromJson(document.body)));
    return publishGroups(store, groups);
}

Result<uint32_t> Publisher::publishGroups(const store::Store& store, const std::vector<Group>& groups) {
    const Aliases read = aliases_ ? Aliases() : TRY(aliases(store));
    const Aliases& aliasesOf = aliases_ ? *aliases_ : read;
    std::map<Zone*, dns::ZoneEdits> edits;
    for (const Group& group : groups) {
        if (!zoneOf(TRY(dns::Name::fromText(group.address))))
            return fail(ErrorCode::NotFound, "the address " + group.address + " is in none of the zones");
        std::optional<Application> current;
        if (!group.current.empty())
            if (const auto document = TRY(store.get("application", group.current)))
                current = TRY(applicationOf(*document));
        const auto entry = TRY(failoverAddressOf(group, current ? &*current : nullptr));
        std::vector<Alias> names = {{group.address, "", group.ttl}};
        if (const auto others = aliasesOf.find(group.address); others != aliasesOf.end())
            names.insert(names.end(), others->second.begin(), others->second.end());
        for (const Alias& name : names)
            TRY_VOID(addEdit(group, entry ? std::optional(TRY(atAlias(*entry, name))) : std::nullopt,
                             TRY(dns::Name::fromText(name.name)), edits));
    }
    uint32_t last = serial();
    const auto isOwn = [](const dns::ZoneEdits& change) {
        return !change.addresses.empty() || !change.removedAddresses.empty();
    };
    // Hints in other zones follow only what has been published.
    for (const bool own : {true, false})
        for (const auto& [zone, change] : edits) {
            if (isOwn(change) != own) continue;
            const uint32_t published =
                TRY(publishChange(*zone, TRY(zone->journal->zone()->draft(change, notBefore(*zone)))));
            if (own) last = published;
        }
    return last;
}

// entry: what the group answers at this name; nothing: its address is only reserved.
Result<void> Publisher::addEdit(const Group& group, std::optional<dns::FailoverAddress> entry, const dns::Name& name,
                                std::map<Zone*, dns::ZoneEdits>& edits) {
    Zone* zone = zoneOf(name);
    const dns::ZonePointer answered = zone->journal->zone();
    if (!answered)
        return fail(ErrorCode::StorageFailed, "the zone " + zone->empty.origin.toText() + " could not be read",
                    "it is answered again once it has been published as a whole");
    if (entry) {
        for (Zone& other : zones_)
            if (const dns::ZonePointer asking = other.journal->zone();
                &other != zone && asking && !asking->services().about(name).empty())
                edits[&other].elsewhere.push_back({name, entry->addresses});
        edits[zone].addresses.push_back(*std::move(entry));
        return {};
    }
    const auto present = answered->failoverAddressAt(name);
    if (!present || present->group != group.id) return {};
    if (present->epoch > group.epoch)
        return fail(ErrorCode::EpochOld, "the zone has epoch " + std::to_string(present->epoch) + " of " + group.name +
                                             ", the store epoch " + std::to_string(group.epoch));
    edits[zone].removedAddresses.push_back(name);
    return {};
}

}  // namespace swb::dispatch
