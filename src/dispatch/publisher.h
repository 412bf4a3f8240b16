// From groups to the zones: makes a change from what the store says, signs it, writes it to the zone's journal,
// publishes it to the name server, in this order.
//
//     one group's documents ──draft──┐
//     all documents ──draftTo────────┴─► ZoneChange ──signer──► with ──► ZoneJournal.append ──► Server.publish ──►
//     answers
//                                                                                                   └─► observer
//                                                                                                   (NOTIFY)
//
// A switch reads its own group and application and nothing else. Everything is composed at the start and when settings
// or static records change. When the store cannot be read, or is older than the zone (a restored backup), the last good
// address goes on being answered (I11): an address only goes when the store says so, not when it knows nothing about
// it.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "dns/server.h"
#include "dns/zone_journal.h"
#include "model/group.h"
#include "model/zone.h"
#include "store/store.h"

namespace swb::dispatch {

struct ZoneSettings {
    std::string zone;     // "failover.example"
    std::string mailbox;  // empty: hostmaster.<zone>
    struct NameServer {
        std::string name;                    // full, or a label under the zone
        std::vector<std::string> addresses;  // required when it is inside the zone
    };
    std::vector<NameServer> nameServers;

    // The settings of another zone on the same name servers.
    ZoneSettings of(const std::string& otherZone) const;
};

class Publisher {
  public:
    // Adds signatures, keys and NSEC records to a change of the unsigned zone.
    using Signer = std::function<Result<dns::ZoneChange>(const dns::ZoneSnapshot&, dns::ZoneChange)>;
    // After a zone is answered. Without a change: the zone is new as a whole. Called one at a time; must not publish.
    using Observer = std::function<void(const dns::ZonePointer&, const std::shared_ptr<const dns::ZoneChange>& change)>;

    // Starts the name server with the last zones on disk under this directory. A zone that is new starts empty; one
    // whose files could not be read is not answered until it has been published. The first zone is the one that
    // generated addresses are in; a name belongs to the zone with the longest name it is in.
    static Result<std::unique_ptr<Publisher>> start(const std::vector<ZoneSettings>& zones,
                                                    const std::string& directory, const dns::ServerOptions& options);

    // Both before the first publication.
    void setSigner(Signer signer) { signer_ = std::move(signer); }
    void setObserver(Observer observer) { observer_ = std::move(observer); }

    // Publishes what the store says now, all groups and static records; nothing when nothing changed. Groups whose
    // epoch in the store is older than the zone's keep their address (logged). Answers the first zone's serial.
    Result<uint32_t> publish(const store::Store& store);
    // The same for one group; its older epoch is an error. Answers the serial of its zone.
    Result<uint32_t> publishGroup(const store::Store& store, const std::string& group);
    // The same for every group that this application is current in.
    Result<uint32_t> publishApplication(const store::Store& store, const std::string& application);
    // Whether the zone could be published with these records and aliases; the error names what is wrong.
    Result<void> checkZone(const store::Store& store, const swb::Zone& zone) const;
    // Takes away an address whose group the store does not know (any more): for an administrator who knows better.
    Result<void> removeAddress(const std::string& name);
    // A change that somebody else makes, complete with signatures: re-signing, roll-overs. An empty one does nothing.
    Result<uint32_t> change(const dns::Name& zone,
                            const std::function<Result<dns::ZoneChange>(const dns::ZoneSnapshot&)>& make);

    // Asks every own name server: does it answer these addresses for this name?
    Result<void> verify(const std::string& name, const std::vector<std::string>& addresses) const;
    // A zone that is not made from groups, beside the others: the catalog. May be called by an observer.
    Result<void> serveBeside(dns::ZonePointer zone) { return server_->publish(std::move(zone)); }
    const dns::Server& server() const { return *server_; }
    // The first zone; null while it could not be read and has not been published.
    dns::ZonePointer zone() const;
    // Null when it is none of ours.
    dns::ZonePointer zone(dns::NameView origin) const { return server_->zones()->zone(origin); }
    std::vector<dns::Name> origins() const;  // as in the settings
    uint32_t serial() const;                 // of the first zone; 0 while there is none
    // The history of a zone, for transfers; null when it is none of ours.
    const dns::ZoneJournal* journal(dns::NameView zone) const;
    // Answers say that the zones are the last good ones: nobody can change them at present.
    void setStale(bool stale) { server_->setZoneStale(stale); }
    void stop() { server_->stop(); }

  private:
    struct Zone {
        dns::ZoneDefinition empty;  // what the settings say
        std::unique_ptr<dns::ZoneJournal> journal;
    };

    using Aliases = std::map<std::string, std::vector<Alias>>;  // of groups' addresses, by the address

    Publisher() = default;
    Result<void> publishWhole(Zone& zone, dns::ZoneDefinition wanted);
    Result<uint32_t> publishChange(Zone& zone, dns::ZoneChange unsignedChange);
    Result<uint32_t> publishFinished(Zone& zone, dns::ZoneChange change);
    Result<void> answer(Zone& zone, const dns::ZonePointer& next, const std::shared_ptr<const dns::ZoneChange>& change);
    Result<Aliases> aliases(const store::Store& store) const;
    Result<void> addEdit(const Group& group, std::optional<dns::FailoverAddress> entry, const dns::Name& name,
                         std::map<Zone*, dns::ZoneEdits>& edits);
    Result<uint32_t> publishGroups(const store::Store& store, const std::vector<Group>& groups);
    const Zone* zoneOf(dns::NameView name) const;
    Zone* zoneOf(dns::NameView name) { return const_cast<Zone*>(std::as_const(*this).zoneOf(name)); }
    uint32_t notBefore(const Zone& zone) const;

    std::vector<Zone> zones_;  // as in the settings
    std::unique_ptr<dns::Server> server_;
    Signer signer_;
    Observer observer_;
    // Those that are answered: a switch need not read all the records of a zone for them. None until everything that
    // the documents say has been published.
    std::optional<Aliases> aliases_;
    std::mutex mutex_;
};

}  // namespace swb::dispatch
