// The pure formats: pg_control, WAL records, postgresql.auto.conf, the pg_hba.conf block, progress lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "driver/postgresql/auto_conf.h"
#include "driver/postgresql/control_file.h"
#include "driver/postgresql/crc32c.h"
#include "driver/postgresql/hba_block.h"
#include "driver/postgresql/log_comparison.h"
#include "driver/postgresql/rewind.h"
#include "driver/postgresql/seed.h"
#include "driver/postgresql/synchronous.h"
#include "driver/postgresql/timelines.h"
#include "driver/postgresql/token.h"
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

TEST(AutoConf, TheLastValueCountsAndQuotesAreRead) {
    const std::string text =
        "# Do not edit\nport = 5432\nPORT='5433' # later\nname 'it''s \\'so\\' \\101'\nempty = ''\nbroken = 'no end\n";
    EXPECT_EQ(autoConfValue(text, "port"), "5433");
    EXPECT_EQ(autoConfValue(text, "name"), "it's 'so' A");
    EXPECT_EQ(autoConfValue(text, "empty"), "");
    EXPECT_EQ(autoConfValue(text, "broken"), "no end");
    EXPECT_EQ(autoConfValue(text, "por"), std::nullopt);
    EXPECT_EQ(autoConfValue("#port = 1\n", "port"), std::nullopt);
}

TEST(AutoConf, ReplacesOneSettingAndLeavesTheRest) {
    const std::string text = "# Do not edit\nssl = 'on'\nport = 1\nPort = 2\nother = 'x'";
    EXPECT_EQ(withAutoConfValue(text, "port", "3"), "# Do not edit\nssl = 'on'\nother = 'x'\nport = '3'\n");
    EXPECT_EQ(withAutoConfValue(text, "port", std::nullopt), "# Do not edit\nssl = 'on'\nother = 'x'\n");
    for (const std::string value : {"", "a b", "it's", "back\\slash", "host='a' sslkey='/x y'"})
        EXPECT_EQ(autoConfValue(withAutoConfValue(text, "v", value), "v"), value);
    EXPECT_EQ(autoConfValue(withAutoConfValue("", "v", "a\nport = 9"), "port"), std::nullopt);
}

TEST(HbaBlock, StandsAtTheTopOnceAndComesOutAgain) {
    const std::string theirs = "# comment\nhost all all all reject\n";
    const std::vector<HbaEntry> entries = {{"swb_shop_nyc", "hostssl replication swingbridge_repl 10.0.0.5/32 cert"},
                                           {"swb_shop_lon", "hostssl replication swingbridge_repl 10.0.0.6/32 cert"}};
    const std::string once = withHbaEntries(theirs, entries);
    EXPECT_LT(once.find("10.0.0.5/32"), once.find("reject"));
    EXPECT_EQ(hbaEntries(once), entries);
    EXPECT_EQ(withHbaEntries(once, entries), once);
    EXPECT_EQ(withHbaEntries(once, {}), theirs);
    EXPECT_THAT(hbaEntries(theirs), ::testing::IsEmpty());
}

TEST(HbaBlock, HalfABlockIsTheirs) {
    std::string half = withHbaEntries("", {{"swb_a", "line"}});
    half.erase(half.find("# swingbridge: end"));
    EXPECT_THAT(hbaEntries(half), ::testing::IsEmpty());
    EXPECT_EQ(withHbaEntries(half, {}), half);
}

TEST(HbaBlock, ALineCannotSmuggleAnother) {
    const auto entries =
        hbaEntries(withHbaEntries("", {{"swb_a\nhost all all all trust", "line\nhost all all all trust"}}));
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].line, "line host all all all trust");
}

TEST(HbaAddress, OfEveryKindOfHost) {
    EXPECT_EQ(hbaAddress("10.0.0.5"), "10.0.0.5/32");
    EXPECT_EQ(hbaAddress("127.0.20.1"), "127.0.0.0/8");
    EXPECT_EQ(hbaAddress("2001:db8::1"), "2001:db8::1/128");
    EXPECT_EQ(hbaAddress("db.example"), "db.example");
}

TEST(BackupProgress, ReadsTheLine) {
    const auto progress = parseBackupProgress("12345/67890 kB (18%), 0/1 tablespace (...data/base/1/2)");
    ASSERT_TRUE(progress);
    EXPECT_EQ(progress->doneBytes, 12345 * 1024);
    EXPECT_EQ(progress->totalBytes, 67890 * 1024);
    EXPECT_TRUE(parseBackupProgress("    0/22897 kB (0%), 0/1 tablespace"));
    for (const char* other : {"", "pg_basebackup: checkpoint completed", "1/", "1/2", "1/2 MB", "-1/2 kB"})
        EXPECT_FALSE(parseBackupProgress(other)) << other;
}

TEST(SwitchToken, IsReadBackAndChecked) {
    const SwitchToken token{7660000000000000001ULL, 3, 0x302CF18, 0x302CF90};
    const Token made = makeToken("main", token, 9, 1'700'000'000'000);
    const auto read = parseToken(made);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->systemId, token.systemId);
    EXPECT_EQ(read->end, token.end);
    for (const auto& [key, value] : {std::pair<const char*, Json>{"systemId", "x"},
                                     {"timeline", 0},
                                     {"end", "0/1"},
                                     {"checkpoint", nullptr},
                                     {"engine", "redis"}}) {
        Token bad = made;
        bad.proof.as_object()[key] = value;
        EXPECT_FALSE(parseToken(bad)) << key;
    }
}

TEST(PostgresqlStandbyNames, AreReadAsTheServerReadsThem) {
    const auto needs = [](std::string_view text, const std::vector<std::string>& streaming) {
        const auto names = parseStandbyNames(text);
        EXPECT_TRUE(names) << text;
        return names && names->satisfiedBy(streaming);
    };
    EXPECT_TRUE(needs("swb_shop_nyc", {"other", "swb_shop_nyc"}));
    EXPECT_FALSE(needs("swb_shop_nyc", {"other"}));
    EXPECT_TRUE(needs("a, B", {"b"}));
    EXPECT_TRUE(needs("*", {"anybody"}));
    EXPECT_FALSE(needs("*", {}));
    EXPECT_FALSE(needs("2 (a, b, c)", {"a"}));
    EXPECT_TRUE(needs("FIRST 2 (a, b, c)", {"c", "a"}));
    EXPECT_TRUE(needs("any 1(\"Site \"\"A\"\"\", b)", {"site \"a\""}));
    EXPECT_TRUE(needs("first, any", {"any"})) << "they may be names";
    for (const char* bad : {"", " ", "2 (a", "a b", "a,", ", a", "0 (a)", "2 ()", "\"a", "FIRST x (a)", "1 (a) b"})
        EXPECT_FALSE(parseStandbyNames(bad)) << bad;
}

namespace {

SyncLook armed(MonotonicMs at, const char* flushed, int64_t waiting) {
    return {at, true, true, flushed, "r" + std::string(flushed), 0, waiting};
}

}  // namespace

TEST(PostgresqlSyncWatch, CommitsThatHangAreACutAndIdlenessIsNone) {
    SyncWatch watch;
    for (MonotonicMs at = 0; at < 60'000; at += 1000)
        EXPECT_EQ(watch.look(armed(at, "0/1", 0), WhenCut::degrade), SyncAction::none) << "nobody waits";
    for (MonotonicMs at = 60'000; at < 80'000; at += 1000)
        EXPECT_EQ(watch.look(armed(at, std::to_string(at).c_str(), 3), WhenCut::degrade), SyncAction::none) << "slow";
    MonotonicMs at = 80'000;
    while (watch.look(armed(at, "0/9", 3), WhenCut::degrade) == SyncAction::none && at < 90'000) at += 1000;
    EXPECT_EQ(at, 80'000 + cutPatienceMs);
    // Its row is still there, and says what it last said: no reason to wait for it again.
    SyncLook stuck{at, false, true, "0/9", "r0/9", 100, 0};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(watch.look(stuck, WhenCut::degrade), SyncAction::none);
    SyncLook back = stuck;
    back.replied = "later";
    back.lagBytes = 50 << 20;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(watch.look(back, WhenCut::degrade), SyncAction::none) << "far behind";
    back.lagBytes = 100;
    int looks = 1;
    while (watch.look(back, WhenCut::degrade) == SyncAction::none && looks < 10) ++looks;
    EXPECT_EQ(looks, 3);
}

TEST(PostgresqlSyncWatch, AStandbyThatIsGoneIsACutWhoeverWaits) {
    SyncWatch watch;
    const auto gone = [](MonotonicMs at) { return SyncLook{at, true, false, "", "", 0, 0}; };
    EXPECT_EQ(watch.look(armed(0, "0/1", 0), WhenCut::degrade), SyncAction::none);
    EXPECT_EQ(watch.look(gone(cutPatienceMs - 1), WhenCut::degrade), SyncAction::none);
    EXPECT_EQ(watch.look(gone(cutPatienceMs), WhenCut::degrade), SyncAction::degrade);
}

TEST(PostgresqlSyncWatch, WhoWantsToWaitWaitsAndSaysSo) {
    SyncWatch watch;
    for (MonotonicMs at = 0; at <= 60'000; at += 1000)
        EXPECT_EQ(watch.look(armed(at, "0/1", 2), WhenCut::wait), SyncAction::none);
    EXPECT_TRUE(watch.cutOff());
    EXPECT_EQ(watch.look(armed(61'000, "0/2", 0), WhenCut::wait), SyncAction::none);
    EXPECT_FALSE(watch.cutOff());
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

TEST(PostgresqlRewind, TheFirstSegmentStandsInTheBackupLabel) {
    EXPECT_EQ(firstSegmentOf("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nCHECKPOINT LOCATION: …\n"),
              "000000010000000000000002");
    EXPECT_EQ(firstSegmentOf("START WAL LOCATION: 0/2000028\nLABEL: (file 000000010000000000000002)\n"), "");
    EXPECT_EQ(firstSegmentOf("START WAL LOCATION: 0/2000028 (file ../../../../../../etc/pw)\n"), "");
    EXPECT_EQ(firstSegmentOf(""), "");
}

}  // namespace swb::driver::postgresql
