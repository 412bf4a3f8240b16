// The catalog zone (RFC 9432) of the publisher's zones: lists a zone as soon as it is answered, so that secondaries
// configure themselves.
//
//     settings, zones answered, last catalog on disk ─▶ refresh() ─▶ ZoneJournal ─▶ answered
//
// A zone leaves the catalog when it leaves the settings and in no other way: secondaries delete what is not listed, and
// a zone that cannot be read here at present is the last that should be deleted there.
#pragma once

#include <unordered_set>

#include "dispatch/publisher.h"

namespace swb::dispatch {

class Catalog {
  public:
    // Reads the last catalog; nothing is answered before refresh(). The publisher outlives the catalog.
    static Result<std::unique_ptr<Catalog>> open(Publisher& publisher, const dns::Name& origin,
                                                 const std::string& directory);

    // Publishes the catalog if it is not as it should be; answers it then, and null otherwise. One call at a time; an
    // observer of the publisher may call it.
    Result<dns::ZonePointer> refresh();
    // Whether the last one lists the zone; then there is nothing to refresh for it.
    bool lists(const dns::Name& zone) const { return listed_.contains(zone); }

  private:
    Catalog(Publisher& publisher, dns::Name origin) : publisher_(publisher), origin_(std::move(origin)) {}
    std::vector<dns::Name> members() const;

    Publisher& publisher_;
    const dns::Name origin_;
    std::unique_ptr<dns::ZoneJournal> journal_;
    std::unordered_set<dns::Name, dns::NameHash, dns::NameEqual> listed_;
};

}  // namespace swb::dispatch
