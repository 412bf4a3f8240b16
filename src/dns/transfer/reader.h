// The other end of a transfer: takes the messages of a reply apart, and makes of them what can be applied.
//
//     message ─▶ TransferReader::take ─▶ … ─▶ done ─▶ result(): nothing new │ a whole zone │ differences
//     differences ─▶ changeOf(zone, step) ─▶ ZoneChange, as the zone's own changes are
//
// Everything that comes is somebody else's: sizes, order, names and serials are checked, and what does not fit is an
// error (a ProtocolViolation), never a guess. Pure: bytes in, values out.
#pragma once

#include <variant>

#include "dns/change.h"
#include "dns/message.h"
#include "dns/zone.h"

namespace swb::dns::transfer {

constexpr size_t receivedBytesMax = 512 << 20;  // of one transfer; 100,000 groups, signed, take a tenth of it
constexpr size_t receivedRecordsMax = 5'000'000;
constexpr size_t receivedMessagesMax = 1'000'000;

// What is to go and to come, in one step from serial to serial.
struct ReceivedStep {
    Rdata oldSoa, newSoa;
    uint32_t soaTtlSeconds = 0;
    std::vector<ReceivedRecord> removed, added;
};

struct UpToDate {
    uint32_t serial = 0;
};
struct ReceivedZone {
    uint32_t serial = 0;
    std::vector<ReceivedRecord> records;  // the SOA once, at the front
};
struct ReceivedSteps {
    uint32_t serial = 0;
    std::vector<ReceivedStep> steps;
};
using ReceivedTransfer = std::variant<UpToDate, ReceivedZone, ReceivedSteps>;

class TransferReader {
  public:
    // serial: the one asked from; nothing for AXFR.
    TransferReader(Name origin, uint16_t id, std::optional<uint32_t> serial);

    // A message without its TSIG record. True when the transfer is complete.
    Result<bool> take(std::span<const uint8_t> message);
    // Precondition: complete.
    ReceivedTransfer result();

  private:
    enum class Part : uint8_t { start, second, whole, removed, added, done };

    Result<void> checkHead(const Response& response) const;
    Result<void> takeRecord(ReceivedRecord&& record);
    Result<void> takeSecond(ReceivedRecord&& record);
    Result<void> takeSoaOfStep(ReceivedRecord&& record);

    const Name origin_;
    const uint16_t id_;
    const std::optional<uint32_t> serial_;
    Part part_ = Part::start;
    ReceivedRecord soa_;
    std::vector<ReceivedRecord> records_;
    std::vector<ReceivedStep> steps_;
    size_t bytes_ = 0, recordCount_ = 0, messages_ = 0;
    bool upToDate_ = false;
};

// The record sets of a whole zone; signatures go to the sets they are over.
Result<std::vector<ZoneRecordSet>> setsOf(std::vector<ReceivedRecord> records);

// The step as a change of this zone. Conflict: it removes what is not there or adds what is, so the zone here is not
// the one the step starts from.
Result<ZoneChange> changeOf(const ZoneSnapshot& zone, const ReceivedStep& step);

}  // namespace swb::dns::transfer
