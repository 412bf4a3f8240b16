#include "dns/transfer/reader.h"

#include <algorithm>
#include <map>

#include "base/assert.h"
#include "dns/soa.h"

namespace swb::dns::transfer {
namespace {

constexpr size_t rrsigFixedBytes = 18;

tl::unexpected<Error> badTransfer(const Name& origin, const std::string& why) {
    return fail(ErrorCode::ProtocolViolation, "the transfer of " + origin.toText() + " is not usable: " + why);
}

bool isSoa(const ReceivedRecord& record) {
    return record.type == type::soa;
}

uint32_t serialOf(const ReceivedRecord& soa) {
    return soaNumbersOf(soa.data).serial;
}

struct SetKey {
    Name name;
    uint16_t type = 0;
};

struct SetKeyOrder {
    bool operator()(const SetKey& left, const SetKey& right) const {
        const int byName = compareCanonically(left.name, right.name);
        return byName != 0 ? byName < 0 : left.type < right.type;
    }
};

// A signature belongs to the set of the type it covers.
SetKey keyOf(const ReceivedRecord& record) {
    if (record.type != type::rrsig || record.data.size() < rrsigFixedBytes) return {record.name, record.type};
    const auto high = static_cast<uint8_t>(record.data[0]);
    const auto low = static_cast<uint8_t>(record.data[1]);
    return {record.name, static_cast<uint16_t>(high << 8 | low)};
}

bool isSignature(const ReceivedRecord& record) {
    return record.type == type::rrsig;
}

std::vector<Rdata>& listFor(RecordSet& set, const ReceivedRecord& record) {
    return isSignature(record) ? set.signatures : set.records;
}

tl::unexpected<Error> anotherZone(const ZoneSnapshot& zone, const ReceivedRecord& record, const char* what) {
    return fail(ErrorCode::Conflict, "the differences of " + zone.origin().toText() + " " + what + " the " +
                                         typeToText(record.type) + " record of " + record.name.toText() +
                                         ": the zone here is not the one they start from");
}

using TouchedSets = std::map<SetKey, SetChange, SetKeyOrder>;

RecordSet& touch(TouchedSets& touched, const ZoneSnapshot& zone, const ReceivedRecord& record) {
    const SetKey key = keyOf(record);
    auto [entry, isNew] = touched.try_emplace(key);
    SetChange& change = entry->second;
    if (isNew) {
        change.name = key.name;
        change.type = key.type;
        const ZoneNode node = zone.nodeOf(key.name.view());
        if (const RecordSet* present = node ? node.find(key.type) : nullptr) change.before = *present;
        if (change.before) {
            change.after = *change.before;
        } else {
            change.after.emplace();
            change.after->type = key.type;
            change.after->ttlSeconds = record.ttlSeconds;
        }
    }
    return *change.after;
}

Result<void> removeRecords(TouchedSets& touched, const ZoneSnapshot& zone, const ReceivedStep& step) {
    for (const ReceivedRecord& record : step.removed) {
        std::vector<Rdata>& list = listFor(touch(touched, zone, record), record);
        const auto found = std::find(list.begin(), list.end(), record.data);
        if (found == list.end()) return anotherZone(zone, record, "remove");
        list.erase(found);
    }
    return {};
}

Result<void> addRecords(TouchedSets& touched, const ZoneSnapshot& zone, const ReceivedStep& step) {
    for (const ReceivedRecord& record : step.added) {
        RecordSet& set = touch(touched, zone, record);
        std::vector<Rdata>& list = listFor(set, record);
        if (std::find(list.begin(), list.end(), record.data) != list.end()) return anotherZone(zone, record, "add");
        list.push_back(record.data);
        if (!isSignature(record)) set.ttlSeconds = record.ttlSeconds;
    }
    return {};
}

}  // namespace

TransferReader::TransferReader(Name origin, uint16_t id, std::optional<uint32_t> serial)
    : origin_(std::move(origin)), id_(id), serial_(serial) {}

Result<void> TransferReader::checkHead(const Response& response) const {
    if (response.id != id_) return badTransfer(origin_, "a message has another id");
    if (response.rcode == rcode::refused || response.rcode == rcode::notAuthoritative)
        return fail(
            ErrorCode::Forbidden,
            "the server refuses to transfer " + origin_.toText() + " (RCODE " + std::to_string(response.rcode) + ")",
            "it must serve the zone, and allow this address or key to transfer it");
    if (response.rcode != rcode::noError)
        return badTransfer(origin_, "the server answers RCODE " + std::to_string(response.rcode));
    if (response.isTruncated()) return badTransfer(origin_, "a message is truncated");
    if (messages_ == 1 && response.questionType != 0 && response.questionName != origin_)
        return badTransfer(origin_, "it is of another zone");
    return {};
}

Result<bool> TransferReader::take(std::span<const uint8_t> message) {
    bytes_ += message.size();
    if (++messages_ > receivedMessagesMax || bytes_ > receivedBytesMax)
        return badTransfer(origin_, "it is larger than the limit");
    Response response = TRY(parseResponse(message));
    TRY_VOID(checkHead(response));
    for (ReceivedRecord& record : response.answers) TRY_VOID(takeRecord(std::move(record)));
    if (part_ == Part::start) return badTransfer(origin_, "its first message holds no SOA");
    // A lone SOA that is not newer says that there is nothing new; a newer one may be followed by another message.
    if (part_ == Part::second && serial_ && !isNewerSerial(serialOf(soa_), *serial_)) {
        upToDate_ = true;
        part_ = Part::done;
    }
    return part_ == Part::done;
}

Result<void> TransferReader::takeRecord(ReceivedRecord&& record) {
    if (part_ == Part::done) return badTransfer(origin_, "records follow its end");
    if (++recordCount_ > receivedRecordsMax) return badTransfer(origin_, "it has more records than the limit");
    if (record.recordClass != recordClass::internet) return badTransfer(origin_, "a record has another class");
    if (!record.name.view().isAtOrBelow(origin_)) return badTransfer(origin_, "a record lies outside the zone");
    if (isSoa(record) && record.name != origin_) return badTransfer(origin_, "an SOA lies below the apex");
    if (record.ttlSeconds > ttlMax) record.ttlSeconds = 0;  // RFC 2181 §8
    switch (part_) {
        case Part::start:
            if (!isSoa(record)) return badTransfer(origin_, "it does not begin with the SOA");
            soa_ = std::move(record);
            part_ = Part::second;
            return {};
        case Part::second:
            return takeSecond(std::move(record));
        case Part::whole:
            if (isSoa(record)) {
                if (record.data != soa_.data)
                    return badTransfer(origin_, "it ends with another SOA than it began with");
                part_ = Part::done;
                return {};
            }
            records_.push_back(std::move(record));
            return {};
        case Part::removed:
        case Part::added:
            if (isSoa(record)) return takeSoaOfStep(std::move(record));
            (part_ == Part::removed ? steps_.back().removed : steps_.back().added).push_back(std::move(record));
            return {};
        case Part::done:
            break;
    }
    return {};
}

// The record behind the first SOA tells differences (another SOA) from a whole zone (RFC 1995 §4).
Result<void> TransferReader::takeSecond(ReceivedRecord&& record) {
    if (isSoa(record) && record.data != soa_.data) {
        if (!serial_ || serialOf(record) != *serial_)
            return badTransfer(origin_, "its differences do not start at the serial that was asked from");
        part_ = Part::added;
        return takeSoaOfStep(std::move(record));
    }
    part_ = Part::whole;
    records_.push_back(soa_);
    return takeRecord(std::move(record));
}

// In the additions, an SOA begins the next step or, when it is the newest one, ends everything.
Result<void> TransferReader::takeSoaOfStep(ReceivedRecord&& record) {
    if (part_ == Part::removed) {
        steps_.back().newSoa = std::move(record.data);
        steps_.back().soaTtlSeconds = record.ttlSeconds;
        part_ = Part::added;
        return {};
    }
    const bool isNewest = !steps_.empty() && steps_.back().newSoa == soa_.data;
    if (isNewest) {
        if (record.data != soa_.data) return badTransfer(origin_, "its differences lead past its newest serial");
        part_ = Part::done;
        return {};
    }
    if (!steps_.empty() && steps_.back().newSoa != record.data)
        return badTransfer(origin_, "a step does not start where the one before ended");
    steps_.emplace_back().oldSoa = std::move(record.data);
    part_ = Part::removed;
    return {};
}

ReceivedTransfer TransferReader::result() {
    SWB_ASSERT(part_ == Part::done, "the transfer is complete");
    const uint32_t serial = serialOf(soa_);
    if (upToDate_) return UpToDate{serial};
    if (!steps_.empty()) {
        ReceivedSteps steps;
        steps.serial = serial;
        steps.steps = std::move(steps_);
        return steps;
    }
    ReceivedZone zone;
    zone.serial = serial;
    zone.records = std::move(records_);
    return zone;
}

Result<std::vector<ZoneRecordSet>> setsOf(std::vector<ReceivedRecord> records) {
    std::map<SetKey, RecordSet, SetKeyOrder> sets;
    for (ReceivedRecord& record : records) {
        RecordSet& set = sets[keyOf(record)];
        std::vector<Rdata>& list = listFor(set, record);
        if (!isSignature(record)) {
            // One TTL for all of a set (RFC 2181 §5.2); servers that let them differ mean the lowest.
            set.ttlSeconds = set.records.empty() ? record.ttlSeconds : std::min(set.ttlSeconds, record.ttlSeconds);
            set.type = record.type;
        }
        list.push_back(std::move(record.data));
    }
    std::vector<ZoneRecordSet> result;
    result.reserve(sets.size());
    for (auto& [key, set] : sets) {
        if (set.records.empty())
            return fail(ErrorCode::ProtocolViolation, "the transfer has signatures of " + key.name.toText() +
                                                          " over a " + typeToText(key.type) + " set it does not have");
        std::sort(set.records.begin(), set.records.end());
        set.records.erase(std::unique(set.records.begin(), set.records.end()), set.records.end());
        ZoneRecordSet& made = result.emplace_back();
        made.name = key.name;
        made.set = std::move(set);
    }
    return result;
}

Result<ZoneChange> changeOf(const ZoneSnapshot& zone, const ReceivedStep& step) {
    ZoneChange change;
    change.origin = zone.origin();
    change.fromSerial = soaNumbersOf(step.oldSoa).serial;
    change.toSerial = soaNumbersOf(step.newSoa).serial;
    TouchedSets touched;
    ReceivedRecord soa;
    soa.name = zone.origin();
    soa.type = type::soa;
    soa.ttlSeconds = step.soaTtlSeconds;
    RecordSet& soaSet = touch(touched, zone, soa);
    if (soaSet.records.empty() || soaNumbersOf(soaSet.records.front()).serial != change.fromSerial)
        return fail(ErrorCode::Conflict, "the differences of " + zone.origin().toText() + " start at serial " +
                                             std::to_string(change.fromSerial) + ", the zone here is at " +
                                             std::to_string(zone.serial()));
    TRY_VOID(removeRecords(touched, zone, step));
    TRY_VOID(addRecords(touched, zone, step));
    soaSet.records = {step.newSoa};
    soaSet.ttlSeconds = step.soaTtlSeconds;
    for (auto& [key, set] : touched) {
        if (set.after->records.empty()) {
            if (!set.after->signatures.empty())
                return badTransfer(zone.origin(), "it leaves signatures over a set that is gone");
            set.after.reset();
        }
        if (set.before != set.after && (set.before || set.after)) change.sets.push_back(std::move(set));
    }
    return change;
}

}  // namespace swb::dns::transfer
