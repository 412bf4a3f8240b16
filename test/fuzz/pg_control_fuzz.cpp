// pg_control, WAL records and timeline histories: files that another program writes, and may have half written.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "driver/postgresql/control_file.h"
#include "driver/postgresql/crc32c.h"
#include "driver/postgresql/seed.h"
#include "driver/postgresql/timelines.h"
#include "driver/postgresql/wal_record.h"

using namespace swb::driver::postgresql;

namespace {

constexpr size_t crcAt = 288;

// A mutated file never has the right checksum: it is put right so that what lies behind it is reached too.
void controlFile(std::string bytes) {
    (void)parseControlFile(bytes);
    if (bytes.size() < crcAt + sizeof(uint32_t)) return;
    const uint32_t crc = crc32cFinish(crc32cAdd(crc32cStart, std::string_view(bytes).substr(0, crcAt)));
    std::memcpy(bytes.data() + crcAt, &crc, sizeof crc);
    const auto control = parseControlFile(bytes);
    if (!control) return;
    (void)nameOf(control->state);
    SWB_ASSERT(walFileName(control->timeline, control->checkpoint, control->walSegmentBytes).size() == 24,
               "a segment's name has 24 digits");
}

void walRecord(const std::string& bytes) {
    constexpr WalLayout layout{8192, 1 << 20};
    constexpr Lsn base = 8192;
    const WalReader read = [&](Lsn position, size_t size) {
        const Lsn offset = position - base;
        return position >= base && offset < bytes.size() ? bytes.substr(offset, size) : std::string();
    };
    for (Lsn position = base; position < base + bytes.size() && position < base + 512; position += 8) {
        const auto record = readWalRecord(position, layout, read);
        SWB_ASSERT(!record || (record->end > record->begin && record->end % 8 == 0), "a record ends after it begins");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    controlFile(bytes);
    walRecord(bytes);
    const auto origin = parseHistory(bytes);
    SWB_ASSERT(!origin || origin->parent > 0, "a timeline has a parent");
    if (const auto position = parseLsn(bytes))
        SWB_ASSERT(parseLsn(lsnText(*position)) == position, "a position is read back");
    const auto progress = parseBackupProgress(bytes);
    SWB_ASSERT(!progress || (progress->doneBytes >= 0 && progress->totalBytes >= 0), "sizes are not negative");
    return 0;
}
