// Reads single records of the write-ahead log: enough to know where a shutdown checkpoint's record ends, and whether
// anything was written after it. A record may continue over pages, each of which begins with a header.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "driver/postgresql/control_file.h"
#include "driver/postgresql/lsn.h"

namespace swb::driver::postgresql {

struct WalLayout {
    uint32_t blockBytes = 8192;
    uint32_t segmentBytes = 16 << 20;
};

// Answers exactly `size` bytes of log at a position (no page boundary inside), or fewer when there are no more.
using WalReader = std::function<std::string(Lsn position, size_t size)>;

struct WalRecord {
    Lsn begin = 0;
    Lsn end = 0;  // where the next record may begin: what pg_last_wal_replay_lsn() says after this one
    Lsn previous = 0;
    uint8_t info = 0;
    uint8_t resourceManager = 0;
    bool isShutdownCheckpoint() const { return resourceManager == 0 && (info & 0xF0) == 0; }
};

// The record at a position, its CRC checked. NotFound when there is no whole, valid record.
Result<WalRecord> readWalRecord(Lsn position, const WalLayout& layout, const WalReader& read);

// Reads segment files of a timeline below <data>/pg_wal.
WalReader walFileReader(std::string dataDirectory, uint32_t timeline, const WalLayout& layout);
std::string walFileName(uint32_t timeline, Lsn position, uint32_t segmentBytes);
struct WalSegment {
    uint32_t timeline = 0;
    Lsn begin = 0;
    bool operator==(const WalSegment&) const = default;
};
// Nothing for the name of another file.
std::optional<WalSegment> parseWalFileName(std::string_view name, uint32_t segmentBytes);
// Where a record of this length ends, aligned: it continues over page headers.
Lsn endOfRecord(Lsn begin, size_t bytes, const WalLayout& layout);

// End of the shutdown checkpoint that a control file in state shutDown names.
Result<Lsn> endOfShutdownCheckpoint(const std::string& dataDirectory, const ControlFile& control);
// Whether the log of the timeline goes on after a record that begins at `checkpoint` and ends at `end`.
bool hasRecordAfter(const std::string& dataDirectory, const ControlFile& control, uint32_t timeline, Lsn checkpoint,
                    Lsn end);

}  // namespace swb::driver::postgresql
