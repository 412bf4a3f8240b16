#include "dispatch/publisher.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "dispatch/zone_composition.h"
#include "dns/resolve.h"

namespace swb::dispatch {
namespace {

uint32_t firstSerial() {
    return dns::serialWithoutPast(SystemClock());
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
        if (!zone.journal->zone() && !zone.journal->serialFloor()) {
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

std::vector<dns::Name> Publisher::origins() const {
    std::vector<dns::Name> names;
    for (const Zone& zone : zones_) names.push_back(zone.empty.origin);
    return names;
}

const Publisher::Zone* Publisher::zoneOf(dns::NameView name) const {
    const Zone* longest = nullptr;
    for (const Zone& zone : zones_)
        if (name.isAtOrBelow(zone.empty.origin) &&
            (!longest || zone.empty.origin.view().size() > longest->empty.origin.view().size()))
            longest = &zone;
    return longest;
}

uint32_t Publisher::notBefore(const Zone& zone) const {
    return zone.journal->serialFloor().value_or(0);
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
    aliases_.reset();
    std::map<std::string, Application> applications;
    for (const store::Document& document : TRY(store.list("application")))
        applications.emplace(document.id, TRY(applicationOf(document)));
    std::map<std::string, Group> groups;
    std::map<const Zone*, dns::ZoneDefinition> wanted;
    for (Zone& zone : zones_) {
        dns::ZoneDefinition& definition = wanted.emplace(&zone, zone.empty).first->second;
        definition.records = TRY(staticRecords(store, TRY(zoneDocument(store, zone.empty.origin))));
    }
    auto aliasesOf = TRY(aliases(store));
    for (const store::Document& document : TRY(store.list("group"))) {
        Group group = TRY(groupFromJson(document.body));
        const auto current = applications.find(group.current);
        auto entry = TRY(failoverAddressOf(group, current == applications.end() ? nullptr : &current->second));
        const std::string address = group.address;
        groups.emplace(group.id, std::move(group));
        if (!entry) continue;
        const Zone* zone = zoneOf(entry->name);
        if (!zone) {
            logWarning("dns", "the address {} is in none of the zones", entry->name.toText());
            continue;
        }
        if (const auto names = aliasesOf.find(address); names != aliasesOf.end())
            for (const Alias& alias : names->second) {
                dns::FailoverAddress also = TRY(atAlias(*entry, alias));
                wanted[zoneOf(also.name)].addresses.push_back(std::move(also));
            }
        wanted[zone].addresses.push_back(*std::move(entry));
    }
    std::vector<dns::ZoneDefinition*> definitions;
    for (const Zone& zone : zones_) {
        dns::ZoneDefinition& definition = wanted[&zone];
        if (const dns::ZonePointer answered = zone.journal->zone())
            TRY_VOID(keepLastGood(definition, *answered, store, groups));
        definitions.push_back(&definition);
    }
    followAcrossZones(definitions);
    for (Zone& zone : zones_) TRY_VOID(publishWhole(zone, std::move(wanted[&zone])));
    aliases_ = std::move(aliasesOf);
    return serial();
}

// By target, those that are in the right zone's document.
Result<Publisher::Aliases> Publisher::aliases(const store::Store& store) const {
    Aliases byTarget;
    for (const Zone& zone : zones_) {
        swb::Zone document = TRY(zoneDocument(store, zone.empty.origin));
        for (Alias& alias : document.aliases)
            if (zoneOf(TRY(dns::Name::fromText(alias.name))) == &zone)
                byTarget[alias.target].push_back(std::move(alias));
    }
    return byTarget;
}

Result<void> Publisher::checkZone(const store::Store& store, const swb::Zone& zone) const {
    const dns::Name origin = TRY(dns::Name::fromText(zone.name));
    const Zone* ours = zoneOf(origin);
    if (!ours || ours->empty.origin != origin)
        return fail(ErrorCode::NotFound, "there is no zone " + zone.name, "zones are named in swingd.yaml");
    dns::ZoneDefinition definition = ours->empty;
    definition.records = TRY(staticRecords(store, zone));
    std::map<std::string, std::vector<Alias>> byTarget;
    for (const Alias& alias : zone.aliases) byTarget[alias.target].push_back(alias);
    dns::ZoneDefinition others;
    for (const store::Document& document : TRY(store.list("group"))) {
        const Group group = TRY(groupFromJson(document.body));
        // An address that is only reserved must have its place too.
        dns::FailoverAddress entry;
        entry.group = group.id;
        entry.epoch = group.epoch;
        entry.name = TRY(dns::Name::fromText(group.address));
        entry.addresses = {TRY(dns::IpAddress::fromText("192.0.2.1"))};
        if (const auto names = byTarget.find(group.address); names != byTarget.end())
            for (const Alias& alias : names->second) definition.addresses.push_back(TRY(atAlias(entry, alias)));
        (zoneOf(entry.name) == ours ? definition : others).addresses.push_back(std::move(entry));
    }
    followAcrossZones(std::array{&definition, &others});
    for (const Alias& alias : zone.aliases)
        if (zoneOf(TRY(dns::Name::fromText(alias.name))) != ours)
            return fail(ErrorCode::InvalidInput, "the alias " + alias.name + " belongs to another of the zones");
    TRY(dns::ZoneSnapshot::build(std::move(definition)));
    return {};
}

Result<void> Publisher::publishWhole(Zone& zone, dns::ZoneDefinition wanted) {
    if (const dns::ZonePointer last = zone.journal->zone()) {
        TRY(publishChange(zone, TRY(last->draftTo(std::move(wanted), notBefore(zone)))));
        return {};
    }
    // What was on disk could not be read. The zone is made like any other, signatures and all, from an empty one that
    // nobody sees: a crash on the way must not leave that one on disk as the last good zone.
    dns::ZoneDefinition empty = zone.empty;
    empty.serial = firstSerial();
    dns::ZonePointer whole = TRY(dns::ZoneSnapshot::build(std::move(empty)));
    dns::ZoneChange change = TRY(whole->draftTo(std::move(wanted), notBefore(zone)));
    if (signer_ && !change.isEmpty()) change = TRY(signer_(*whole, std::move(change)));
    if (!change.isEmpty()) whole = TRY(whole->with(change));
    TRY_VOID(zone.journal->replace(whole));
    return answer(zone, whole, nullptr);
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
    if (server_->zones()->zone(next->origin()) != next) TRY_VOID(answer(zone, next, change));
    return next->serial();
}

Result<void> Publisher::answer(Zone& zone, const dns::ZonePointer& next,
                               const std::shared_ptr<const dns::ZoneChange>& change) {
    TRY_VOID(server_->publish(next));
    logInfo("dns", "zone {} serial {} published", next->origin().toText(), next->serial());
    if (observer_) observer_(next, change);
    if (auto folded = zone.journal->foldIfGrown(); !folded)
        logWarning("dns", "the journal goes on growing: {}", describe(folded.error()));
    return {};
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
