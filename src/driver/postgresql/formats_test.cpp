// Texts that are read and written: postgresql.auto.conf, the pg_hba.conf block, progress lines, backup labels, tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "driver/postgresql/auto_conf.h"
#include "driver/postgresql/hba_block.h"
#include "driver/postgresql/rewind.h"
#include "driver/postgresql/seed.h"
#include "driver/postgresql/token.h"

namespace swb::driver::postgresql {

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

TEST(PostgresqlRewind, TheFirstSegmentStandsInTheBackupLabel) {
    EXPECT_EQ(firstSegmentOf("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nCHECKPOINT LOCATION: …\n"),
              "000000010000000000000002");
    EXPECT_EQ(firstSegmentOf("START WAL LOCATION: 0/2000028\nLABEL: (file 000000010000000000000002)\n"), "");
    EXPECT_EQ(firstSegmentOf("START WAL LOCATION: 0/2000028 (file ../../../../../../etc/pw)\n"), "");
    EXPECT_EQ(firstSegmentOf(""), "");
}

}  // namespace swb::driver::postgresql
