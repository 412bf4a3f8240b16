// What is here of one zone that comes from a primary: takes what a transfer brought, checks it, keeps it on disk.
//
//     ReceivedTransfer ─▶ every rule of zones, a newer serial, no epoch going back ─▶ ZoneJournal
//
// What fails leaves the zone as it is. One thread at a time may apply(); the rest is safe from any.
#pragma once

#include "dns/transfer/reader.h"
#include "dns/zone_journal.h"

namespace swb::dns::transfer {

class ZoneCopy {
  public:
    // Each zone has a folder of its own in this directory.
    static Result<std::unique_ptr<ZoneCopy>> open(const std::string& directory, const Name& origin);

    const Name& origin() const { return origin_; }
    ZonePointer zone() const { return journal_->zone(); }
    const ZoneJournal& journal() const { return *journal_; }

    // Where differences should start; nothing: the whole zone is needed.
    std::optional<uint32_t> serialToAskFrom() const;
    // Whether something changed.
    Result<bool> apply(ReceivedTransfer received);
    // The zone here is not where the primary thinks its differences start: the next transfer must be a whole one.
    bool mustFetchWhole() const { return mustFetchWhole_; }
    // When nobody waits.
    Result<void> foldIfGrown() { return journal_->foldIfGrown(); }

  private:
    explicit ZoneCopy(Name origin) : origin_(std::move(origin)) {}
    Result<bool> confirm(uint32_t theirs) const;
    Result<bool> takeWhole(ReceivedZone received);
    Result<bool> takeSteps(const ReceivedSteps& received);

    const Name origin_;
    std::unique_ptr<ZoneJournal> journal_;
    bool mustFetchWhole_ = false;
};

}  // namespace swb::dns::transfer
