#include "dns/zone_codec.h"

#include "dns/checksum.h"

namespace swb::dns {
namespace {

constexpr std::string_view zoneMagic = "SWBZONE\1";
constexpr size_t frameHeadBytes = 12;
constexpr size_t framePayloadTarget = 256 << 10;  // of the zone file: damage costs no more memory than this to find
constexpr uint8_t hasBefore = 1, hasAfter = 2;

void put8(std::string& out, size_t value) {
    out += static_cast<char>(value);
}
void put16(std::string& out, size_t value) {
    put8(out, value >> 8);
    put8(out, value);
}
void put32(std::string& out, size_t value) {
    put16(out, value >> 16);
    put16(out, value);
}

void putData(std::string& out, const std::vector<Rdata>& list) {
    put16(out, list.size());
    for (const Rdata& data : list) {
        put16(out, data.size());
        out += data;
    }
}

void putSet(std::string& out, const RecordSet& set) {
    put32(out, set.ttlSeconds);
    putData(out, set.records);
    putData(out, set.signatures);
}

WireReader readerOf(std::string_view octets) {
    return WireReader({reinterpret_cast<const uint8_t*>(octets.data()), octets.size()});
}

// Lists grow only as far as there are octets to fill them: a wrong count takes no memory.
std::vector<Rdata> readData(WireReader& reader) {
    std::vector<Rdata> list;
    for (size_t count = reader.u16(); count > 0 && reader.ok(); --count) {
        const auto data = reader.bytes(reader.u16());
        list.emplace_back(reinterpret_cast<const char*>(data.data()), data.size());
    }
    return list;
}

RecordSet readSet(WireReader& reader, uint16_t type) {
    RecordSet set{type, reader.u32(), readData(reader), {}};
    set.signatures = readData(reader);
    return set;
}

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorCode::InvalidInput, std::string(what) + " is malformed");
}

std::string headFrame(const ZoneSnapshot& zone, size_t sets) {
    std::string head(zone.origin().view().wire());
    put32(head, sets);
    return head;
}

Result<std::vector<ZoneRecordSet>> decodeSets(FrameReader& frames, size_t count) {
    std::vector<ZoneRecordSet> sets;
    while (sets.size() < count) {
        if (frames.next() != FrameReader::Step::frame) return malformed("a part of the zone file");
        WireReader reader = readerOf(frames.payload());
        while (reader.ok() && !reader.atEnd()) {
            ZoneRecordSet& record = sets.emplace_back();
            record.name = Name(reader.plainName());
            const uint16_t type = reader.u16();
            record.set = readSet(reader, type);
        }
        if (!reader.ok()) return malformed("a record of the zone file");
    }
    if (sets.size() != count || frames.next() != FrameReader::Step::end) return malformed("the end of the zone file");
    return sets;
}

}  // namespace

void encodeChange(const ZoneChange& change, std::string& out) {
    out += change.origin.view().wire();
    put32(out, change.fromSerial);
    put32(out, change.toSerial);
    put32(out, change.sets.size());
    for (const SetChange& set : change.sets) {
        out += set.name.view().wire();
        put16(out, set.type);
        put8(out, (set.before ? hasBefore : 0u) | (set.after ? hasAfter : 0u));
        if (set.before) putSet(out, *set.before);
        if (set.after) putSet(out, *set.after);
    }
}

Result<ZoneChange> decodeChange(std::string_view octets) {
    WireReader reader = readerOf(octets);
    ZoneChange change;
    change.origin = Name(reader.plainName());
    change.fromSerial = reader.u32();
    change.toSerial = reader.u32();
    for (uint32_t count = reader.u32(); count > 0 && reader.ok(); --count) {
        SetChange& set = change.sets.emplace_back();
        set.name = Name(reader.plainName());
        set.type = reader.u16();
        const uint8_t parts = reader.u8();
        if (parts == 0 || parts > (hasBefore | hasAfter)) return malformed("a change");
        if (parts & hasBefore) set.before = readSet(reader, set.type);
        if (parts & hasAfter) set.after = readSet(reader, set.type);
    }
    if (!reader.ok() || !reader.atEnd()) return malformed("a change");
    return change;
}

void appendFrame(std::string& out, std::string_view payload) {
    const size_t start = out.size();
    put32(out, payload.size());
    put32(out, checksumOf(payload));
    put32(out, checksumOf(std::string_view(out).substr(start, 8)));
    out += payload;
}

FrameReader::Step FrameReader::next() {
    const std::string_view rest = octets_.substr(position_);
    if (rest.empty()) return Step::end;
    // A file system may have grown the file before the data arrived.
    const bool blank = rest.find_first_not_of('\0') == std::string_view::npos;
    if (blank || rest.size() < frameHeadBytes) return Step::torn;
    WireReader head = readerOf(rest.substr(0, frameHeadBytes));
    const size_t length = head.u32();
    const uint32_t checksum = head.u32();
    if (head.u32() != checksumOf(rest.substr(0, 8))) return Step::damaged;
    if (length > rest.size() - frameHeadBytes) return Step::torn;
    payload_ = rest.substr(frameHeadBytes, length);
    if (checksumOf(payload_) != checksum) return frameHeadBytes + length == rest.size() ? Step::torn : Step::damaged;
    position_ += frameHeadBytes + length;
    return Step::frame;
}

std::string encodeZone(const ZoneSnapshot& zone) {
    std::string file(zoneMagic), part;
    size_t count = 0;
    zone.forEachSet([&](NameView, const RecordSet&) { ++count; });
    appendFrame(file, headFrame(zone, count));
    zone.forEachSet([&](NameView name, const RecordSet& set) {
        part += name.wire();
        put16(part, set.type);
        putSet(part, set);
        if (part.size() < framePayloadTarget) return;
        appendFrame(file, part);
        part.clear();
    });
    if (!part.empty()) appendFrame(file, part);
    return file;
}

Result<ZonePointer> decodeZone(std::string_view file) {
    if (!file.starts_with(zoneMagic)) return malformed("the head of the zone file");
    FrameReader frames(file, zoneMagic.size());
    if (frames.next() != FrameReader::Step::frame) return malformed("the head of the zone file");
    WireReader head = readerOf(frames.payload());
    const Name origin(head.plainName());
    const size_t count = head.u32();
    if (!head.ok() || !head.atEnd()) return malformed("the head of the zone file");
    return ZoneSnapshot::fromSets(origin, TRY(decodeSets(frames, count)));
}

}  // namespace swb::dns
