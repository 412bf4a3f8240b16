// What is read of a server's own files without asking it: pg_control, records of the log, timelines and their forks.
#include <gtest/gtest.h>

#include <cstring>

#include "driver/postgresql/control_file.h"
#include "driver/postgresql/crc32c.h"
#include "driver/postgresql/log_comparison.h"
#include "driver/postgresql/timelines.h"
#include "driver/postgresql/wal_record.h"
#include "driver/postgresql/wal_summary.h"

namespace swb::driver::postgresql {

namespace {

std::string bytesOf(uint64_t value, size_t size) {
    return std::string(reinterpret_cast<const char*>(&value), size);
}

uint32_t crcOf(std::string_view bytes) {
    return crc32cFinish(crc32cAdd(crc32cStart, bytes));
}

// A log held in memory: one record at a position, continued over pages like the server does.
class MemoryWal {
  public:
    explicit MemoryWal(WalLayout layout) : layout_(layout), bytes_(4 * layout.segmentBytes, '\0') {}

    // Header of 24 bytes, payload, CRC over payload then header.
    void put(Lsn position, Lsn previous, uint8_t info, size_t payloadBytes) {
        std::string record = bytesOf(24 + payloadBytes, 4) + bytesOf(0, 4) + bytesOf(previous, 8) + bytesOf(info, 1) +
                             std::string(3, '\0');
        const std::string payload(payloadBytes, 'p');
        uint32_t crc = crc32cAdd(crc32cStart, payload);
        crc = crc32cFinish(crc32cAdd(crc, record));
        record += bytesOf(crc, 4) + payload;
        for (const char byte : record) {
            if (position % layout_.blockBytes == 0) position += position % layout_.segmentBytes == 0 ? 40 : 24;
            bytes_[position++] = byte;
        }
    }
    WalReader reader() const {
        return [this](Lsn position, size_t size) {
            return position < bytes_.size() ? bytes_.substr(position, size) : std::string();
        };
    }

  private:
    WalLayout layout_;
    std::string bytes_;
};

constexpr WalLayout small{8192, 1 << 20};

}  // namespace

TEST(Lsn, ReadsAndPrints) {
    EXPECT_EQ(parseLsn("0/302CF18"), Lsn{0x302CF18});
    EXPECT_EQ(parseLsn("1A/FFFFFFFF"), (Lsn{0x1A} << 32) + 0xFFFFFFFF);
    EXPECT_EQ(lsnText(*parseLsn("1A/FFFFFFFF")), "1A/FFFFFFFF");
    for (const char* bad : {"", "/", "0/", "/1", "0/123456789", "x/1", "0/1 ", "0-1", "0/-1"})
        EXPECT_FALSE(parseLsn(bad)) << bad;
}

TEST(Crc32c, KnownValue) {
    EXPECT_EQ(crcOf("123456789"), 0xE3069283U);
}

TEST(ControlFile, RefusesShortTornAndForeignFiles) {
    std::string bytes(512, '\0');
    EXPECT_FALSE(parseControlFile(""));
    bytes.replace(8, 4, bytesOf(1300, 4));
    bytes.replace(16, 4, bytesOf(1, 4));
    bytes.replace(32, 8, bytesOf(0x302CF18, 8));
    bytes.replace(48, 4, bytesOf(3, 4));
    bytes.replace(224, 4, bytesOf(8192, 4));
    bytes.replace(228, 4, bytesOf(16 << 20, 4));
    bytes.replace(288, 4, bytesOf(crcOf(bytes.substr(0, 288)), 4));
    const auto control = parseControlFile(bytes);
    ASSERT_TRUE(control) << describe(control.error());
    EXPECT_EQ(control->state, ControlState::shutDown);
    EXPECT_EQ(control->checkpoint, Lsn{0x302CF18});
    EXPECT_EQ(control->timeline, 3U);
    std::string torn = bytes;
    torn[40] = 1;
    EXPECT_EQ(parseControlFile(torn).error().code, ErrorCode::VerificationFailed);
    // 18 has one member more before the checksum.
    bytes.replace(8, 4, bytesOf(1800, 4));
    EXPECT_EQ(parseControlFile(bytes).error().code, ErrorCode::VerificationFailed);
    bytes.replace(292, 4, bytesOf(crcOf(bytes.substr(0, 292)), 4));
    ASSERT_TRUE(parseControlFile(bytes));
    EXPECT_EQ(parseControlFile(bytes)->checkpoint, Lsn{0x302CF18});
    bytes.replace(8, 4, bytesOf(1900, 4));
    EXPECT_EQ(parseControlFile(bytes).error().code, ErrorCode::Unsupported);
}

TEST(WalRecord, EndsAlignedWithinAPage) {
    MemoryWal wal(small);
    wal.put(8192 + 24, 0, 0, 90);
    const auto record = readWalRecord(8192 + 24, small, wal.reader());
    ASSERT_TRUE(record) << describe(record.error());
    EXPECT_EQ(record->end, 8192U + 24 + 120);  // 114 bytes, aligned
    EXPECT_TRUE(record->isShutdownCheckpoint());
}

TEST(WalRecord, ContinuesOverPagesAndSegments) {
    MemoryWal wal(small);
    const Lsn nearPageEnd = 3 * 8192 - 16;
    wal.put(nearPageEnd, 0, 0, 90);
    // 16 bytes on the first page, 98 after the short header of the next.
    EXPECT_EQ(readWalRecord(nearPageEnd, small, wal.reader()).value().end, 3U * 8192 + 24 + 104);
    const Lsn nearSegmentEnd = (1 << 20) - 16;
    wal.put(nearSegmentEnd, 0, 0, 90);
    EXPECT_EQ(readWalRecord(nearSegmentEnd, small, wal.reader()).value().end, (1U << 20) + 40 + 104);
    const Lsn fitting = 5 * 8192 - 120;
    wal.put(fitting, 0, 0, 90);
    EXPECT_EQ(readWalRecord(fitting, small, wal.reader()).value().end, 5U * 8192);
}

TEST(WalRecord, RefusesGarbage) {
    MemoryWal wal(small);
    EXPECT_FALSE(readWalRecord(8192 + 24, small, wal.reader()));
    wal.put(8192 + 24, 0, 0, 90);
    EXPECT_FALSE(readWalRecord(8192 + 25, small, wal.reader()));
    EXPECT_FALSE(readWalRecord(8192 + 32, small, wal.reader()));
    EXPECT_FALSE(readWalRecord(~Lsn{7}, small, wal.reader()));
}

TEST(WalFile, NamesSegments) {
    EXPECT_EQ(walFileName(1, *parseLsn("0/302CF18"), 16 << 20), "000000010000000000000003");
    EXPECT_EQ(walFileName(10, *parseLsn("2/FF000000"), 16 << 20), "0000000A00000002000000FF");
    EXPECT_EQ(walFileName(1, *parseLsn("1/80000000"), 1 << 30), "000000010000000100000002");
}

TEST(WalFile, KnowsItsOwnName) {
    const uint32_t bytes = 16 << 20;
    for (const Lsn begin : {Lsn{0x1000000}, Lsn{0x2FF000000}, Lsn{0x300000000}})
        EXPECT_EQ(parseWalFileName(walFileName(3, begin, bytes), bytes), (WalSegment{3, begin}));
    for (const char* name : {"", "00000003.history", "00000003000000000000000G", "000000030000000000000001.partial"})
        EXPECT_EQ(parseWalFileName(name, bytes), std::nullopt) << name;
}

TEST(WalRecord, OfThisLengthEndsThere) {
    const WalLayout layout;
    EXPECT_EQ(endOfRecord(0x3000028, 50, layout), 0x3000060U) << "aligned";
    EXPECT_EQ(endOfRecord(0x3001FF8, 8, layout), 0x3002000U) << "up to the page's end";
    EXPECT_EQ(endOfRecord(0x3001FF8, 16, layout), 0x3002020U) << "a page header of 24 bytes between";
    EXPECT_EQ(endOfRecord(0x3FFFFF8, 16, layout), 0x4000030U) << "a segment begins with 40";
}

TEST(PostgresqlRecordAt, IsTheOneAPositionFallsInto) {
    const auto at = [](Lsn position) {
        RecordAt record(position, WalLayout{});
        record.take(0x3000100, 50);  // ends at 0x3000138
        record.take(0x3000138, 30);
        record.take(0x3000160, 24);  // ends at 0x3000178
        return record.begin();
    };
    EXPECT_EQ(at(0x3000100), 0x3000100U);
    EXPECT_EQ(at(0x3000131), 0x3000100U);
    EXPECT_EQ(at(0x3000138), 0x3000138U);
    EXPECT_EQ(at(0x3000158), 0x3000160U) << "between two records: the next one differs";
    EXPECT_EQ(at(0x3000177), 0x3000160U);
    EXPECT_EQ(at(0x3000178), std::nullopt) << "the log ends before";
    EXPECT_EQ(at(0x3000000), 0x3000100U);
    EXPECT_EQ(RecordAt(5, WalLayout{}).begin(), std::nullopt);
}

TEST(History, TheLastLineIsTheOrigin) {
    const auto origin =
        parseHistory("1\t0/302CF90\tno recovery target specified\n\n2\t0/5000000\tno recovery target specified\n");
    ASSERT_TRUE(origin);
    EXPECT_EQ(origin->parent, 2U);
    EXPECT_EQ(lsnText(origin->switchPoint), "0/5000000");
    for (const char* bad : {"", "# only words\n", "x\t0/1\n", "1\n", "1\tzero\n", "1 "})
        EXPECT_FALSE(parseHistory(bad)) << bad;
}

TEST(PostgresqlTimelines, AHistoryBecomesStretches) {
    const auto timelines = timelinesFrom("1\t0/3000000\tno recovery target specified\n\n2\t0/5000000\twhy\n", 3);
    ASSERT_TRUE(timelines);
    EXPECT_EQ(*timelines, (Timelines{{1, 0x3000000}, {2, 0x5000000}, {3}}));
    EXPECT_EQ(*timelinesFrom("", 1), Timelines{{1}});
    EXPECT_FALSE(timelinesFrom("2\t0/3000000\n1\t0/5000000\n", 3)) << "not in order";
    EXPECT_FALSE(timelinesFrom("1\t0/5000000\n2\t0/3000000\n", 3)) << "backwards";
    EXPECT_FALSE(timelinesFrom("3\t0/3000000\n", 3)) << "its own ancestor";
}

TEST(PostgresqlTimelines, TwoHistoriesPartAtTheirFork) {
    const Timelines alone{{1}}, promoted{{1, 100}, {2}}, again{{1, 100}, {2, 200}, {3}}, aside{{1, 150}, {2}};
    const auto fork = [](const Timelines& own, const Timelines& others) { return forkOf(own, others).value(); };
    EXPECT_EQ(fork(alone, alone), std::nullopt);
    EXPECT_EQ(fork(again, again), std::nullopt);
    // The old primary after the other site's promotion, and that site seen from itself.
    EXPECT_EQ(fork(alone, promoted), (Fork{1, 100, 1}));
    EXPECT_EQ(fork(promoted, alone), (Fork{1, 100, 2}));
    EXPECT_EQ(fork(promoted, again), (Fork{2, 200, 2}));
    EXPECT_EQ(fork(alone, again), (Fork{1, 100, 1}));
    // Both were promoted: timelines of one number are not one timeline.
    EXPECT_EQ(fork(promoted, aside), (Fork{1, 100, 2}));
    EXPECT_EQ(fork(aside, promoted), (Fork{1, 100, 1}));
    EXPECT_EQ(fork(Timelines{{1, 100}, {3}}, promoted), (Fork{1, 100, 3}));
    EXPECT_FALSE(forkOf(Timelines{{2}}, alone));
}

TEST(PostgresqlWalSummary, CountsCommitsAndChangesInPiecesOfAnySize) {
    const std::string text =
        "rmgr: Heap        len (rec/tot):     54/   150, tx:        736, lsn: 0/0300AC68, prev 0/0300AC30, desc: "
        "INSERT "
        "off 3 flags 0x08, blkref #0: rel 1663/16384/16390 blk 0\n"
        "rmgr: Heap        len (rec/tot):     54/   150, tx:        736, lsn: 0/0300AD00, prev 0/0300AC68, desc: "
        "INSERT+INIT off: 3, flags: 0x08, blkref #0: rel 1663/16384/16390 blk 1\n"
        "rmgr: Heap2       len (rec/tot):     54/   150, tx:        736, lsn: 0/0300AD98, prev 0/0300AD00, desc: PRUNE "
        "nredirected 0 ndead 1, blkref #0: rel 1663/16384/16390 blk 1\n"
        "rmgr: Transaction len (rec/tot):     46/    46, tx:        736, lsn: 0/0300AE00, prev 0/0300AD98, desc: "
        "COMMIT "
        "2026-11-22 11:00:00.500000 UTC; inval msgs: catcache 7\n"
        "rmgr: Transaction len (rec/tot):     34/    34, tx:        737, lsn: 0/0300AE30, prev 0/0300AE00, desc: ABORT "
        "2026-11-22 11:00:01.000000 UTC\n"
        "rmgr: Transaction len (rec/tot):     34/    34, tx:        738, lsn: 0/0300AE58, prev 0/0300AE30, desc: "
        "COMMIT_PREPARED xid: 738, 2026-11-22 11:00:02.000000 UTC\n"
        "pg_waldump: error: error in WAL record at 0/300AE58: invalid record length at 0/300AE80: wanted 24, got 0\n";
    for (const size_t size : {size_t{1}, size_t{7}, text.size()}) {
        std::vector<std::pair<Lsn, uint32_t>> records;
        WalSummary summary([&records](Lsn begin, uint32_t bytes) { records.emplace_back(begin, bytes); });
        for (size_t at = 0; at < text.size(); at += size) summary.take(std::string_view(text).substr(at, size));
        EXPECT_EQ(summary.commits(), 2);
        EXPECT_EQ(summary.records(), 6);
        ASSERT_EQ(records.size(), 6U);
        EXPECT_EQ(records[0], (std::pair<Lsn, uint32_t>(0x300AC68, 150)));
        EXPECT_EQ(records[3], (std::pair<Lsn, uint32_t>(0x300AE00, 46)));
        EXPECT_EQ(summary.last(), 0x300AE58U);
        EXPECT_EQ(summary.firstCommit(), "2026-11-22 11:00:00.500000 UTC");
        EXPECT_EQ(summary.changes(), (std::map<WalSummary::Relation, int64_t>{{{16384, 16390}, 2}}));
    }
    WalSummary nothing;
    nothing.take("rmgr: \nrmgr: Heap\nrmgr: Heap , lsn: x, desc: INSERT\n" + std::string(100'000, 'x') + "\n");
    EXPECT_EQ(nothing.records(), 0);
}

}  // namespace swb::driver::postgresql
