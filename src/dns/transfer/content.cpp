#include "dns/transfer/content.h"

#include <algorithm>

#include "base/assert.h"

namespace swb::dns::transfer {
namespace {

const SetChange& soaOf(const ZoneChange& change) {
    const auto found = std::find_if(change.sets.begin(), change.sets.end(), [&](const SetChange& set) {
        return set.type == type::soa && set.name == change.origin;
    });
    SWB_ASSERT(found != change.sets.end() && found->before && found->after, "every change of a zone changes its SOA");
    return *found;
}

bool holds(const std::vector<Rdata>& records, const Rdata& record) {
    return std::find(records.begin(), records.end(), record) != records.end();
}

}  // namespace

Content::Content(Kind kind, ZonePointer zone) : kind_(kind), zone_(std::move(zone)), soa_(&zone_->soa()) {
    run_ = {zone_->origin().view(), type::soa, soa_->ttlSeconds, soa_->records};
}

Content Content::soaOnly(ZonePointer zone) {
    return {Kind::soaOnly, std::move(zone)};
}

Content Content::wholeZone(ZonePointer zone) {
    return {Kind::wholeZone, std::move(zone)};
}

Content Content::differences(ZonePointer zone, ChangePointers changes) {
    SWB_ASSERT(!changes.empty(), "differences have steps");
    Content content(Kind::differences, std::move(zone));
    content.changes_ = std::move(changes);
    for (const ChangePointer& change : content.changes_) content.addStep(*change);
    return content;
}

uint32_t Content::serial() const {
    return zone_->serial();
}

size_t Content::stepRecords() const {
    size_t count = 0;
    for (const Run& run : steps_) count += run.records.size();
    return count;
}

// What goes, then what comes, each behind the SOA of its side. The signatures over the SOA are records like others.
void Content::addStep(const ZoneChange& change) {
    const SetChange& soa = soaOf(change);
    const auto addMissing = [&](const SetChange& set, uint16_t type, uint32_t ttl, const std::vector<Rdata>& records,
                                const std::vector<Rdata>* others) {
        for (const Rdata& record : records)
            if (!others || !holds(*others, record)) steps_.push_back({set.name.view(), type, ttl, {&record, 1}});
    };
    using Side = std::optional<RecordSet> SetChange::*;
    const auto addSide = [&](Side side, Side opposite) {
        const RecordSet& frame = *(soa.*side);
        steps_.push_back({soa.name.view(), type::soa, frame.ttlSeconds, frame.records});
        for (const SetChange& set : change.sets) {
            if (!(set.*side)) continue;
            const RecordSet& own = *(set.*side);
            // Another TTL makes every record another one.
            const bool comparable = set.*opposite && (set.*opposite)->ttlSeconds == own.ttlSeconds;
            const RecordSet* other = comparable ? &*(set.*opposite) : nullptr;
            if (&set != &soa) addMissing(set, set.type, own.ttlSeconds, own.records, other ? &other->records : nullptr);
            addMissing(set, type::rrsig, own.ttlSeconds, own.signatures, other ? &other->signatures : nullptr);
        }
    };
    addSide(&SetChange::before, &SetChange::after);
    addSide(&SetChange::after, &SetChange::before);
}

// Canonical order; each set, then its signatures; the SOA itself stands at both ends and not here.
bool Content::nextRunOfZone() {
    for (; node_ < zone_->nodeCount(); ++node_, set_ = 0) {
        const ZoneNode node = zone_->nodeAt(node_);
        const auto sets = node.sets();
        while (set_ < sets.size()) {
            const RecordSet& set = sets[set_];
            if (signaturesNext_) {
                signaturesNext_ = false;
                ++set_;
                run_ = {node.name(), type::rrsig, set.ttlSeconds, set.signatures};
            } else {
                signaturesNext_ = true;
                run_ = {node.name(), set.type, set.ttlSeconds, set.records};
                if (set.type == type::soa) run_.records = {};
            }
            if (!run_.records.empty()) return true;
        }
    }
    return false;
}

bool Content::nextRun() {
    if (part_ == Part::first) part_ = kind_ == Kind::soaOnly ? Part::end : Part::body;
    if (part_ == Part::body) {
        if (kind_ == Kind::wholeZone && nextRunOfZone()) return true;
        if (kind_ == Kind::differences && step_ < steps_.size()) {
            run_ = steps_[step_++];
            return true;
        }
        part_ = Part::last;
        run_ = {zone_->origin().view(), type::soa, soa_->ttlSeconds, soa_->records};
        return true;
    }
    part_ = Part::end;
    return false;
}

bool Content::peek(ContentRecord& record) const {
    if (part_ == Part::end) return false;
    record = {run_.owner, run_.type, run_.ttlSeconds, run_.records[record_]};
    return true;
}

void Content::advance() {
    SWB_ASSERT(part_ != Part::end, "there is a record to step over");
    ++given_;
    if (++record_ < run_.records.size()) return;
    record_ = 0;
    nextRun();
}

ChangePointers stepsTo(const ZoneSnapshot& zone, uint32_t serial, ChangePointers history) {
    uint32_t reached = serial;
    for (size_t i = 0; i < history.size(); ++i) {
        if (history[i]->fromSerial != reached || history[i]->isEmpty()) return {};
        reached = history[i]->toSerial;
        if (reached != zone.serial()) continue;
        history.resize(i + 1);
        return history;
    }
    return {};
}

}  // namespace swb::dns::transfer
