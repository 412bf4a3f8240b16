#include "driver/postgresql/wal_record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/fd.h"
#include "driver/postgresql/crc32c.h"

namespace swb::driver::postgresql {

namespace {

constexpr size_t recordHeaderBytes = 24;     // SizeOfXLogRecord
constexpr size_t crcInRecord = 20;           // xl_crc, the last member of the header
constexpr size_t shortPageHeaderBytes = 24;  // SizeOfXLogShortPHD
constexpr size_t longPageHeaderBytes = 40;   // SizeOfXLogLongPHD, on the first page of a segment
constexpr size_t recordBytesMax = 64 << 10;  // no record read here is longer; a larger length is garbage
constexpr Lsn alignment = 8;                 // MAXALIGN

Lsn aligned(Lsn position) {
    return (position + alignment - 1) & ~(alignment - 1);
}

size_t pageHeaderBytes(Lsn page, const WalLayout& layout) {
    return page % layout.segmentBytes == 0 ? longPageHeaderBytes : shortPageHeaderBytes;
}

// Collects bytes of one record across pages.
class RecordBytes {
  public:
    RecordBytes(Lsn begin, const WalLayout& layout, const WalReader& read)
        : position_(begin), layout_(layout), read_(read) {}

    // False when the log ends before.
    bool fillTo(size_t size) {
        while (bytes_.size() < size) {
            if (position_ % layout_.blockBytes == 0) position_ += pageHeaderBytes(position_, layout_);
            const size_t inPage = layout_.blockBytes - position_ % layout_.blockBytes;
            const size_t wanted = std::min(inPage, size - bytes_.size());
            const std::string piece = read_(position_, wanted);
            if (piece.size() != wanted) return false;
            bytes_ += piece;
            position_ += wanted;
        }
        return true;
    }
    const std::string& bytes() const { return bytes_; }
    Lsn position() const { return position_; }

    template <typename Value>
    Value at(size_t offset) const {
        Value value;
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return value;
    }

  private:
    std::string bytes_;
    Lsn position_;
    const WalLayout& layout_;
    const WalReader& read_;
};

}  // namespace

Result<WalRecord> readWalRecord(Lsn position, const WalLayout& layout, const WalReader& read) {
    const auto none = [&](std::string_view why) {
        return fail(ErrorCode::NotFound, fmt::format("no WAL record at {}: {}", lsnText(position), why));
    };
    if (position % alignment != 0 || position == 0) return none("not a record's position");
    if (position > ~Lsn{0} - 2 * recordBytesMax) return none("beyond the end of positions");
    RecordBytes record(position, layout, read);
    if (!record.fillTo(sizeof(uint32_t))) return none("the log ends there");
    const uint32_t length = record.at<uint32_t>(0);
    if (length < recordHeaderBytes || length > recordBytesMax) return none("no plausible length");
    if (!record.fillTo(length)) return none("it is not complete");
    const std::string_view bytes = record.bytes();
    uint32_t crc = crc32cAdd(crc32cStart, bytes.substr(recordHeaderBytes));
    crc = crc32cFinish(crc32cAdd(crc, bytes.substr(0, crcInRecord)));
    if (crc != record.at<uint32_t>(crcInRecord)) return none("its checksum does not fit");
    WalRecord result;
    result.begin = position;
    result.end = aligned(record.position());
    result.previous = record.at<uint64_t>(8);
    result.info = record.at<uint8_t>(16);
    result.resourceManager = record.at<uint8_t>(17);
    return result;
}

Lsn endOfRecord(Lsn begin, size_t bytes, const WalLayout& layout) {
    Lsn position = begin;
    while (bytes > 0) {
        if (position % layout.blockBytes == 0) position += pageHeaderBytes(position, layout);
        const size_t inPage = std::min<size_t>(layout.blockBytes - position % layout.blockBytes, bytes);
        position += inPage;
        bytes -= inPage;
    }
    return aligned(position);
}

std::string walFileName(uint32_t timeline, Lsn position, uint32_t segmentBytes) {
    const uint64_t segment = position / segmentBytes;
    const uint64_t segmentsPerId = (uint64_t{1} << 32) / segmentBytes;
    return fmt::format("{:08X}{:08X}{:08X}", timeline, segment / segmentsPerId, segment % segmentsPerId);
}

std::optional<WalSegment> parseWalFileName(std::string_view name, uint32_t segmentBytes) {
    constexpr size_t nameBytes = 24, partBytes = 8;
    uint32_t parts[3] = {};
    if (name.size() != nameBytes) return std::nullopt;
    for (size_t part = 0; part < 3; ++part) {
        const char* begin = name.data() + part * partBytes;
        const auto [end, error] = std::from_chars(begin, begin + partBytes, parts[part], 16);
        if (error != std::errc() || end != begin + partBytes) return std::nullopt;
    }
    return WalSegment{parts[0], (uint64_t{parts[1]} << 32) + uint64_t{parts[2]} * segmentBytes};
}

WalReader walFileReader(std::string dataDirectory, uint32_t timeline, const WalLayout& layout) {
    return [dataDirectory = std::move(dataDirectory), timeline, layout](Lsn position, size_t size) -> std::string {
        const Fd file(
            ::open((dataDirectory + "/pg_wal/" + walFileName(timeline, position, layout.segmentBytes)).c_str(),
                   O_RDONLY | O_CLOEXEC));
        if (!file.valid()) return {};
        std::string bytes(size, '\0');
        const ssize_t got = ::pread(file.get(), bytes.data(), size, static_cast<off_t>(position % layout.segmentBytes));
        bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
        return bytes;
    };
}

Result<Lsn> endOfShutdownCheckpoint(const std::string& dataDirectory, const ControlFile& control) {
    const WalLayout layout{control.walBlockBytes, control.walSegmentBytes};
    const WalRecord record =
        TRY(readWalRecord(control.checkpoint, layout, walFileReader(dataDirectory, control.timeline, layout)));
    if (!record.isShutdownCheckpoint())
        return fail(ErrorCode::VerificationFailed,
                    "the record at " + lsnText(control.checkpoint) + " is not a shutdown checkpoint");
    return record.end;
}

bool hasRecordAfter(const std::string& dataDirectory, const ControlFile& control, uint32_t timeline, Lsn checkpoint,
                    Lsn end) {
    const WalLayout layout{control.walBlockBytes, control.walSegmentBytes};
    Lsn next = end;
    if (next % layout.blockBytes == 0) next += pageHeaderBytes(next, layout);
    const auto record = readWalRecord(next, layout, walFileReader(dataDirectory, timeline, layout));
    // A recycled segment holds old records; only the true successor points back at this one.
    return record && record->previous == checkpoint;
}

}  // namespace swb::driver::postgresql
