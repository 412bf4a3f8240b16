// What a transfer sends, record by record, in the order RFC 5936 and RFC 1995 want.
//
//     whole zone     SOA, every other record in canonical order, SOA
//     differences    new SOA, { old SOA, what goes, new SOA, what comes } for each step, new SOA
//     SOA alone      "you have it", and over UDP "come by TCP"
//
// It holds the zone or the changes alive for as long as the client takes to read, and no copy of them. Nothing here
// does I/O or waits.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dns/change.h"
#include "dns/zone.h"

namespace swb::dns::transfer {

using ChangePointer = std::shared_ptr<const ZoneChange>;
using ChangePointers = std::vector<ChangePointer>;

// Views into the content, valid while it lives.
struct ContentRecord {
    NameView owner;
    uint16_t type = 0;
    uint32_t ttlSeconds = 0;
    std::string_view data;
};

class Content {
  public:
    enum class Kind : uint8_t { wholeZone, differences, soaOnly };

    static Content wholeZone(ZonePointer zone);
    // Precondition: the changes lead step by step to the zone's serial, and there is at least one.
    static Content differences(ZonePointer zone, ChangePointers changes);
    static Content soaOnly(ZonePointer zone);

    Kind kind() const { return kind_; }
    // Records given so far.
    size_t recordsGiven() const { return given_; }
    uint32_t serial() const;
    const Name& origin() const { return zone_->origin(); }
    // Differences are only worth sending while they are fewer records than the zone has.
    size_t stepRecords() const;

    // The next record, without going on; nothing at the end.
    bool peek(ContentRecord& record) const;
    // Precondition: peek() gave one.
    void advance();

  private:
    // Records of one owner and type.
    struct Run {
        NameView owner;
        uint16_t type = 0;
        uint32_t ttlSeconds = 0;
        std::span<const Rdata> records;
    };

    Content(Kind kind, ZonePointer zone);
    void addStep(const ZoneChange& change);
    bool nextRunOfZone();
    bool nextRun();

    Kind kind_;
    ZonePointer zone_;
    ChangePointers changes_;
    const RecordSet* soa_;
    std::vector<Run> steps_;  // of differences, without the SOA at both ends
    Run run_;
    size_t record_ = 0;  // in run_
    enum class Part : uint8_t { first, body, last, end };
    Part part_ = Part::first;
    uint32_t node_ = 0;  // of the whole zone: where the next run comes from
    size_t set_ = 0;
    bool signaturesNext_ = false;
    size_t step_ = 0;
    size_t given_ = 0;
};

// The steps that lead from `serial` to the zone's own, or nothing when the history does not have them.
// history: as ZoneJournal::changesSince gives it; it may already hold steps that the zone has not reached.
ChangePointers stepsTo(const ZoneSnapshot& zone, uint32_t serial, ChangePointers history);

}  // namespace swb::dns::transfer
