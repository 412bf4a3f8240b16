#include "dispatch/publisher.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "dispatch/zone_composition.h"
#include "dns/resolve.h"

namespace swb::dispatch {
namespace {

// For a zone without a past that is known: newer than any serial it can have had, if it changed less than once a
// second over the years.
uint32_t firstSerial() {
    return static_cast<uint32_t>(SystemClock().now() / 1000);
}

std::string directoryOf(const std::string& base, const dns::Name& origin) {
    const std::string text = origin.toText();
    std::string name;
    for (const char character : std::string_view(text).substr(0, text.size() - 1)) {
        const auto octet = dns::lowerCase(static_cast<uint8_t>(character));
        const bool isPlain = (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' ||
                             octet == '.' || octet == '_';
        name += isPlain ? std::string(1, static_cast<char>(octet)) : fmt::format("%{:02x}", octet);
    }
    return base + "/" + name;
}

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::start(const std::vector<ZoneSettings>& zones,
                                                    const std::string& directory, const dns::ServerOptions& options) {
    if (zones.empty()) return fail(ErrorCode::InvalidInput, "there is no zone to answer");
    std::unique_ptr<Publisher> publisher(new Publisher);
    std::vector<dns::ZonePointer> answered;
    for (const ZoneSettings& settings : zones) {
        Zone zone;
        zone.empty = TRY(emptyZone(settings));
        zone.journal = TRY(dns::ZoneJournal::open(directoryOf(directory, zone.empty.origin), zone.empty.origin));
        if (!zone.journal->zone() && !zone.journal->hasLostChanges()) {
            zone.empty.serial = firstSerial();
            TRY_VOID(zone.journal->replace(TRY(dns::ZoneSnapshot::build(zone.empty))));
        }
        if (const dns::ZonePointer last = zone.journal->zone()) answered.push_back(last);
        for (const Zone& other : publisher->zones_)
            if (other.empty.origin == zone.empty.origin)
                return fail(ErrorCode::InvalidInput, "the zone " + settings.zone + " is in the settings twice");
        publisher->zones_.push_back(std::move(zone));
    }
    publisher->server_ = TRY(dns::Server::start(options, dns::ZoneSet::of(std::move(answered))));
    return publisher;
}

Publisher::Zone* Publisher::zoneOf(dns::NameView name) {
    Zone* longest = nullptr;
    for (Zone& zone : zones_)
        if (name.isAtOrBelow(zone.empty.origin) &&
            (!longest || zone.empty.origin.view().size() > longest->empty.origin.view().size()))
            longest = &zone;
    return longest;
}

uint32_t Publisher::notBefore(const Zone& zone) const {
    return zone.journal->hasLostChanges() ? firstSerial() : 0;
}

dns::ZonePointer Publisher::zone() const {
    return server_->zones()->zone(zones_.front().empty.origin);
}

uint32_t Publisher::serial() const {
    const dns::ZonePointer first = zone();
    return first ? first->serial() : 0;
}

const dns::ZoneJournal* Publisher::journal(dns::NameView origin) const {
    for (const Zone& zone : zones_)
        if (zone.empty.origin.view() == origin) return zone.journal.get();
    return nullptr;
}

Result<uint32_t> Publisher::publish(const store::Store& store) {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Application> applications;
    for (const store::Document& document : TRY(store.list("application")))
        applications.emplace(document.id, TRY(applicationOf(document)));
    std::map<std::string, Group> groups;
    std::map<const Zone*, dns::ZoneDefinition> wanted;
    for (Zone& zone : zones_) {
        dns::ZoneDefinition& definition = wanted.emplace(&zone, zone.empty).first->second;
        definition.records = TRY(staticRecords(store, zone.empty.origin));
    }
    for (const store::Document& document : TRY(store.list("group"))) {
        Group group = TRY(groupFromJson(document.body));
        const auto current = applications.find(group.current);
        auto entry = TRY(failoverAddressOf(group, current == applications.end() ? nullptr : &current->second));
        groups.emplace(group.id, std::move(group));
        if (!entry) continue;
        const Zone* zone = zoneOf(entry->name);
        if (zone)
            wanted[zone].addresses.push_back(*std::move(entry));
        else
            logWarning("dns", "the address {} is in none of the zones", entry->name.toText());
    }
    for (Zone& zone : zones_) {
        dns::ZoneDefinition& definition = wanted[&zone];
        if (const dns::ZonePointer answered = zone.journal->zone())
            TRY_VOID(keepLastGood(definition, *answered, store, groups));
        TRY_VOID(publishWhole(zone, std::move(definition)));
    }
    return serial();
}

Result<void> Publisher::publishWhole(Zone& zone, dns::ZoneDefinition wanted) {
    dns::ZonePointer last = zone.journal->zone();
    if (!last) {
        // What was on disk could not be read. The whole zone goes through the same path as any other, from an empty
        // one that nobody sees, so that it is signed like any other.
        dns::ZoneDefinition empty = zone.empty;
        empty.serial = firstSerial();
        TRY_VOID(zone.journal->replace(TRY(dns::ZoneSnapshot::build(std::move(empty)))));
        last = zone.journal->zone();
    }
    TRY(publishChange(zone, TRY(last->draftTo(std::move(wanted), notBefore(zone)))));
    return {};
}

Result<uint32_t> Publisher::publishChange(Zone& zone, dns::ZoneChange change) {
    if (signer_ && !change.isEmpty()) change = TRY(signer_(*zone.journal->zone(), std::move(change)));
    return publishFinished(zone, std::move(change));
}

Result<uint32_t> Publisher::publishFinished(Zone& zone, dns::ZoneChange finished) {
    const dns::ZonePointer last = zone.journal->zone();
    dns::ZonePointer next = last;
    std::shared_ptr<const dns::ZoneChange> change;
    if (!finished.isEmpty()) {
        change = std::make_shared<const dns::ZoneChange>(std::move(finished));
        next = TRY(last->with(*change));
        TRY_VOID(zone.journal->append(change, next));
    }
    // Also when nothing changed: an earlier attempt may have got to the journal and no further.
    if (server_->zones()->zone(next->origin()) == next) return next->serial();
    TRY_VOID(server_->publish(next));
    logInfo("dns", "zone {} serial {} published", next->origin().toText(), next->serial());
    if (observer_) observer_(next, change);
    if (auto folded = zone.journal->foldIfGrown(); !folded)
        logWarning("dns", "the journal goes on growing: {}", describe(folded.error()));
    return next->serial();
}

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
    std::map<Zone*, dns::ZoneEdits> edits;
    for (const Group& group : groups) {
        const dns::Name name = TRY(dns::Name::fromText(group.address));
        Zone* zone = zoneOf(name);
        const dns::ZonePointer answered = zone ? zone->journal->zone() : nullptr;
        if (!answered) return fail(ErrorCode::NotFound, "the address " + group.address + " is in none of the zones");
        std::optional<Application> current;
        if (!group.current.empty())
            if (const auto document = TRY(store.get("application", group.current)))
                current = TRY(applicationOf(*document));
        auto entry = TRY(failoverAddressOf(group, current ? &*current : nullptr));
        if (entry) {
            edits[zone].addresses.push_back(*std::move(entry));
            continue;
        }
        const auto present = answered->failoverAddressAt(name);
        if (!present || present->group != group.id) continue;
        if (present->epoch > group.epoch)
            return fail(ErrorCode::EpochOld, "the zone has epoch " + std::to_string(present->epoch) + " of " +
                                                 group.name + ", the store epoch " + std::to_string(group.epoch));
        edits[zone].removedAddresses.push_back(name);
    }
    uint32_t last = serial();
    for (const auto& [zone, change] : edits)
        last = TRY(publishChange(*zone, TRY(zone->journal->zone()->draft(change, notBefore(*zone)))));
    return last;
}

Result<void> Publisher::removeAddress(const std::string& text) {
    const std::lock_guard lock(mutex_);
    const dns::Name name = TRY(dns::Name::fromText(text));
    Zone* zone = zoneOf(name);
    const dns::ZonePointer answered = zone ? zone->journal->zone() : nullptr;
    if (!answered || !answered->failoverAddressAt(name))
        return fail(ErrorCode::NotFound, text + " is no failover address that is answered here");
    dns::ZoneEdits edits;
    edits.removedAddresses.push_back(name);
    TRY(publishChange(*zone, TRY(answered->draft(edits, notBefore(*zone)))));
    return {};
}

Result<uint32_t> Publisher::change(const dns::Name& origin,
                                   const std::function<Result<dns::ZoneChange>(const dns::ZoneSnapshot&)>& make) {
    const std::lock_guard lock(mutex_);
    for (Zone& zone : zones_) {
        const dns::ZonePointer answered = zone.journal->zone();
        if (zone.empty.origin != origin || !answered) continue;
        return publishFinished(zone, TRY(make(*answered)));
    }
    return fail(ErrorCode::NotFound, "there is no zone " + origin.toText() + " here");
}

Result<void> Publisher::verify(const std::string& name, const std::vector<std::string>& addresses) const {
    const std::set<std::string> wanted(addresses.begin(), addresses.end());
    for (const dns::Endpoint& endpoint : server_->endpoints()) {
        const std::string server = endpoint.toText();
        const auto answer = TRY(dns::resolveA(server, name, 1000));
        if (std::set<std::string>(answer.addresses.begin(), answer.addresses.end()) != wanted)
            return fail(ErrorCode::VerificationFailed,
                        "the name server at " + server + " does not answer the new addresses");
    }
    return {};
}

}  // namespace swb::dispatch
