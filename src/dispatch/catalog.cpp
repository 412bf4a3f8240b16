#include "dispatch/catalog.h"

#include <algorithm>

#include "base/log.h"
#include "dns/transfer/catalog.h"

namespace swb::dispatch {

Result<std::unique_ptr<Catalog>> Catalog::open(Publisher& publisher, const dns::Name& origin,
                                               const std::string& directory) {
    const std::vector<dns::Name> zones = publisher.origins();
    if (std::find(zones.begin(), zones.end(), origin) != zones.end())
        return fail(ErrorCode::InvalidInput, "the catalog cannot have the name of the zone " + origin.toText(),
                    "give it a name of its own under dns.secondaries.catalog");
    std::unique_ptr<Catalog> catalog(new Catalog(publisher, origin));
    catalog->journal_ = TRY(dns::ZoneJournal::open(directory, origin));
    return catalog;
}

std::vector<dns::Name> Catalog::members() const {
    const dns::ZonePointer last = journal_->zone();
    const std::vector<dns::Name> listed = last ? dns::transfer::membersOf(*last) : std::vector<dns::Name>();
    std::vector<dns::Name> members = publisher_.origins();
    std::erase_if(members, [&](const dns::Name& zone) {
        return !publisher_.zone(zone) && std::find(listed.begin(), listed.end(), zone) == listed.end();
    });
    return members;
}

Result<dns::ZonePointer> Catalog::refresh() {
    const dns::ZonePointer last = journal_->zone();
    const std::vector<dns::Name> zones = members();
    const dns::ZonePointer wanted = TRY(dns::transfer::makeCatalog(origin_, zones, last));
    if (wanted != last) TRY_VOID(journal_->replace(wanted));
    listed_ = {zones.begin(), zones.end()};
    if (publisher_.zone(origin_) == wanted) return dns::ZonePointer();
    TRY_VOID(publisher_.serveBeside(wanted));
    logInfo("dns", "catalog {} serial {} published", origin_.toText(), wanted->serial());
    return wanted;
}

}  // namespace swb::dispatch
