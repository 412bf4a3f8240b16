#include "dns/zone_journal.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "dns/checksum.h"
#include "dns/dns_test_support.h"
#include "dns/zone_codec.h"

namespace swb::dns::test {
namespace {

class DnsZoneJournal : public testing::Test {
  protected:
    DnsZoneJournal() {
        // In memory, where flushing a thousand times costs nothing: what a disk does with it is not tested here.
        std::string pattern = (fileExists("/dev/shm") ? "/dev/shm/" : testing::TempDir()) + "zone-journal-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~DnsZoneJournal() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<ZoneJournal> open() const {
        auto journal = ZoneJournal::open(directory_, name("fo.example"));
        EXPECT_TRUE(journal) << (journal ? "" : describe(journal.error()));
        return journal ? *std::move(journal) : nullptr;
    }
    static Result<void> switchShop(ZoneJournal& journal, int64_t epoch, const std::string& to) {
        ZoneEdits edits;
        edits.addresses = {{"shop", epoch, name("shop.fo.example"), 300, {address(to)}}};
        auto change = std::make_shared<const ZoneChange>(TRY(journal.zone()->draft(edits)));
        auto next = TRY(journal.zone()->with(*change));
        return journal.append(std::move(change), std::move(next));
    }
    std::string journalPath() const { return directory_ + "/journal"; }
    std::string zonePath() const { return directory_ + "/zone"; }
    void write(const std::string& path, std::string_view octets) const {
        ASSERT_TRUE(writeFileAtomically(path, octets));
    }

    std::string directory_;
};

std::string shopOf(const ZonePointer& zone) {
    const auto entry = zone->failoverAddressAt(name("shop.fo.example"));
    return entry ? entry->addresses.front().toText() + "/" + std::to_string(entry->epoch) : "none";
}

TEST(DnsChecksum, IsTheOneOfTheCatalogue) {
    EXPECT_EQ(checksumOf("123456789"), 0xe3069283u);
    EXPECT_EQ(checksumOf(""), 0u);
}

TEST_F(DnsZoneJournal, StartsEmptyAndKeepsWhatItWasGiven) {
    EXPECT_EQ(open()->zone(), nullptr);
    {
        const auto journal = open();
        ASSERT_TRUE(journal->replace(exampleZone()));
        ASSERT_TRUE(switchShop(*journal, 4, "203.0.113.11"));
        ASSERT_TRUE(switchShop(*journal, 5, "203.0.113.12"));
    }
    const auto journal = open();
    EXPECT_EQ(journal->zone()->serial(), 9u);
    EXPECT_EQ(shopOf(journal->zone()), "203.0.113.12/5");
    EXPECT_FALSE(journal->serialFloor());
    ASSERT_TRUE(switchShop(*journal, 6, "203.0.113.13"));
    EXPECT_EQ(shopOf(open()->zone()), "203.0.113.13/6");
}

TEST_F(DnsZoneJournal, TellsWhatChangedSince) {
    const auto journal = open();
    EXPECT_FALSE(journal->changesSince(7));
    ASSERT_TRUE(journal->replace(exampleZone()));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(switchShop(*journal, 4 + i, "203.0.113." + std::to_string(20 + i)));
    EXPECT_EQ(journal->changesSince(10)->size(), 0u);
    ASSERT_EQ(journal->changesSince(8)->size(), 2u);
    EXPECT_EQ(journal->changesSince(8)->front()->fromSerial, 8u);
    EXPECT_EQ(journal->changesSince(7)->size(), 3u);
    EXPECT_FALSE(journal->changesSince(6));
    EXPECT_FALSE(journal->changesSince(11));
    EXPECT_EQ(open()->changesSince(7)->size(), 3u) << "after a restart too";
}

TEST_F(DnsZoneJournal, SurvivesBeingCutAnywhere) {
    std::vector<size_t> ends;
    {
        const auto journal = open();
        ASSERT_TRUE(journal->replace(exampleZone()));
        ends.push_back(std::filesystem::file_size(journalPath()));
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(switchShop(*journal, 4 + i, "203.0.113.11"));
            ends.push_back(std::filesystem::file_size(journalPath()));
        }
    }
    const std::string whole = *readFile(journalPath()), zone = *readFile(zonePath());
    for (size_t length = 0; length <= whole.size(); ++length) {
        write(journalPath(), std::string_view(whole).substr(0, length));
        write(zonePath(), zone);
        const auto journal = open();
        ASSERT_TRUE(journal && journal->zone()) << length;
        const auto entries = static_cast<uint32_t>(std::upper_bound(ends.begin(), ends.end(), length) - ends.begin());
        ASSERT_EQ(journal->zone()->serial(), 7 + (entries == 0 ? 0 : entries - 1)) << length;
        ASSERT_FALSE(journal->serialFloor()) << length;
        ASSERT_TRUE(switchShop(*journal, 9, "203.0.113.99")) << length;
        ASSERT_EQ(shopOf(open()->zone()), "203.0.113.99/9") << length;
    }
    EXPECT_FALSE(fileExists(journalPath() + ".damaged"));
}

TEST_F(DnsZoneJournal, ABlankTailIsATornOne) {
    ASSERT_TRUE(open()->replace(exampleZone()));
    ASSERT_TRUE(switchShop(*open(), 4, "203.0.113.11"));
    write(journalPath(), *readFile(journalPath()) + std::string(4096, '\0'));
    const auto journal = open();
    EXPECT_EQ(journal->zone()->serial(), 8u);
    EXPECT_FALSE(journal->serialFloor());
}

TEST_F(DnsZoneJournal, DamageInTheMiddleIsMovedAside) {
    size_t second = 0;
    {
        const auto journal = open();
        ASSERT_TRUE(journal->replace(exampleZone()));
        ASSERT_TRUE(switchShop(*journal, 4, "203.0.113.11"));
        second = std::filesystem::file_size(journalPath());
        ASSERT_TRUE(switchShop(*journal, 5, "203.0.113.12"));
        ASSERT_TRUE(switchShop(*journal, 6, "203.0.113.13"));
    }
    std::string octets = *readFile(journalPath());
    for (const size_t at : {second + 1, second + 9, second + 40}) {
        std::filesystem::remove(journalPath() + ".damaged");
        std::string damaged = octets;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
        const std::string zone = *readFile(zonePath());
        write(journalPath(), damaged);
        {
            const auto journal = open();
            EXPECT_EQ(shopOf(journal->zone()), "203.0.113.11/4") << "what can be read is answered";
            EXPECT_TRUE(journal->serialFloor());
            ASSERT_TRUE(switchShop(*journal, 7, "203.0.113.14"));
        }
        EXPECT_TRUE(fileExists(journalPath() + ".damaged"));
        EXPECT_EQ(shopOf(open()->zone()), "203.0.113.14/7");
        write(zonePath(), zone);
    }
}

TEST_F(DnsZoneJournal, ADamagedZoneFileIsMovedAside) {
    ASSERT_TRUE(open()->replace(exampleZone()));
    const std::string whole = *readFile(zonePath());
    for (const std::string& damaged : {whole.substr(0, whole.size() / 2), std::string("x"), std::string()}) {
        write(zonePath(), damaged);
        const auto journal = open();
        EXPECT_EQ(journal->zone(), nullptr);
        EXPECT_TRUE(journal->serialFloor());
        EXPECT_TRUE(fileExists(zonePath() + ".damaged"));
        EXPECT_FALSE(fileExists(zonePath()));
        ASSERT_TRUE(journal->replace(exampleZone()));
    }
    const auto other = ZoneJournal::open(directory_, name("other.example"));
    ASSERT_TRUE(other);
    EXPECT_EQ((*other)->zone(), nullptr) << "another zone's files";
}

// A secondary may have a newer serial than what could be read: the zone's next one is past it, whenever it comes.
TEST_F(DnsZoneJournal, ThatChangesWereLostIsKnownUntilTheSerialIsPastThem) {
    ASSERT_TRUE(open()->replace(exampleZone()));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(switchShop(*open(), 4 + i, "203.0.113.11"));
    std::string octets = *readFile(journalPath());
    octets[octets.size() / 4] = static_cast<char>(octets[octets.size() / 4] ^ 1);
    write(journalPath(), octets);
    const auto before = serialWithoutPast(SystemClock());
    const auto floor = open()->serialFloor();
    ASSERT_TRUE(floor && *floor >= before);
    EXPECT_EQ(open()->serialFloor(), floor) << "after a restart too";
    {
        const auto journal = open();
        ASSERT_TRUE(switchShop(*journal, 6, "203.0.113.12"));
        EXPECT_EQ(journal->serialFloor(), floor) << "that change was not made with it";
        auto change = std::make_shared<const ZoneChange>(*journal->zone()->draft({}, *floor));
        ASSERT_TRUE(journal->append(change, *journal->zone()->with(*change)));
        EXPECT_FALSE(journal->serialFloor());
    }
    EXPECT_FALSE(open()->serialFloor());
    EXPECT_GE(open()->zone()->serial(), *floor);
}

TEST_F(DnsZoneJournal, ASerialThatIsAheadOfTheClockStaysAhead) {
    ZoneDefinition definition = exampleDefinition();
    definition.serial = serialWithoutPast(SystemClock()) + 1'000'000;
    ASSERT_TRUE(open()->replace(build(definition)));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(switchShop(*open(), 4 + i, "203.0.113.11"));
    std::string octets = *readFile(journalPath());
    octets[octets.size() / 2] = static_cast<char>(octets[octets.size() / 2] ^ 1);
    write(journalPath(), octets);
    const auto floor = open()->serialFloor();
    ASSERT_TRUE(floor);
    EXPECT_GE(*floor, definition.serial + 3);
}

TEST_F(DnsZoneJournal, AFloorThatCannotBeReadIsANewOne) {
    ASSERT_TRUE(open()->replace(exampleZone()));
    write(directory_ + "/serial-floor", "12");
    const auto floor = open()->serialFloor();
    ASSERT_TRUE(floor && *floor >= serialWithoutPast(SystemClock()) - 100);
    EXPECT_EQ(open()->serialFloor(), floor);
    write(directory_ + "/serial-floor", "5\n");
    EXPECT_FALSE(open()->serialFloor()) << "the zone is past it";
    EXPECT_FALSE(fileExists(directory_ + "/serial-floor"));
}

TEST_F(DnsZoneJournal, ACrashBetweenZoneFileAndJournalLosesNothing) {
    const auto journal = open();
    ASSERT_TRUE(journal->replace(exampleZone()));
    ASSERT_TRUE(switchShop(*journal, 4, "203.0.113.11"));
    ASSERT_TRUE(switchShop(*journal, 5, "203.0.113.12"));
    // As after a fold's first half: the zone file is at the journal's end, or within it.
    const std::string octets = *readFile(journalPath());
    write(zonePath(), encodeZone(*journal->zone()));
    EXPECT_EQ(open()->zone()->serial(), 9u);
    EXPECT_EQ(open()->changesSince(7)->size(), 2u);
    // As after a replacement's first half: the journal has nothing to do with the zone file.
    ZoneDefinition definition = exampleDefinition();
    definition.serial = 100;
    write(zonePath(), encodeZone(*build(definition)));
    const auto replaced = open();
    EXPECT_EQ(replaced->zone()->serial(), 100u);
    EXPECT_FALSE(replaced->changesSince(7));
    EXPECT_FALSE(fileExists(journalPath() + ".damaged"));
}

TEST_F(DnsZoneJournal, AnOlderZoneIsRefused) {
    const auto journal = open();
    ASSERT_TRUE(journal->replace(exampleZone()));
    ZoneDefinition definition = exampleDefinition();
    definition.serial = 6;
    EXPECT_EQ(journal->replace(build(definition)).error().code, ErrorCode::Conflict);
    definition.serial = 8;
    definition.addresses[0].epoch = 2;
    EXPECT_EQ(journal->replace(build(definition)).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(open()->zone()->serial(), 7u);
}

// A full disk, by the limit on a file's size: nothing is acknowledged, and nothing of the attempt is found later.
TEST_F(DnsZoneJournal, AFullDiskChangesNothing) {
    const auto journal = open();
    ASSERT_TRUE(journal->replace(exampleZone()));
    ASSERT_TRUE(switchShop(*journal, 4, "203.0.113.11"));
    const size_t size = std::filesystem::file_size(journalPath());
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{size + 10, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    const auto refused = switchShop(*journal, 5, "203.0.113.12");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, ignored);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::StorageFailed);
    EXPECT_EQ(journal->zone()->serial(), 8u);
    EXPECT_EQ(std::filesystem::file_size(journalPath()), size);
    EXPECT_EQ(open()->zone()->serial(), 8u);
    ASSERT_TRUE(switchShop(*journal, 6, "203.0.113.13"));
    EXPECT_EQ(shopOf(open()->zone()), "203.0.113.13/6");
}

TEST_F(DnsZoneJournal, FoldsWhenItHasGrown) {
    const auto journal = open();
    ASSERT_TRUE(journal->replace(exampleZone()));
    size_t largest = 0;
    for (int i = 0; i < 40; ++i) {
        ZoneEdits edits;
        std::vector<std::string> texts;
        for (int line = 0; line < 60; ++line)
            texts.push_back('"' + std::string(200, static_cast<char>('a' + (i + line) % 26)) + "\" \"" +
                            std::string(200, 'x') + std::to_string(line) + '"');
        for (int set = 0; set < 10; ++set)
            edits.records.push_back(recordSet("big" + std::to_string(set) + ".fo.example", type::txt, texts));
        auto change = std::make_shared<const ZoneChange>(*journal->zone()->draft(edits));
        auto next = *journal->zone()->with(*change);
        ASSERT_TRUE(journal->append(std::move(change), std::move(next)));
        ASSERT_TRUE(journal->foldIfGrown());
        largest = std::max<size_t>(largest, std::filesystem::file_size(journalPath()));
    }
    EXPECT_LT(largest, 10u << 20);
    EXPECT_FALSE(journal->changesSince(7)) << "the history is bounded";
    EXPECT_TRUE(journal->changesSince(journal->zone()->serial() - 1));
    EXPECT_TRUE(sameContents(*open()->zone(), *journal->zone()));
}

TEST(DnsZoneCodec, ChangesRoundTrip) {
    ZoneEdits edits;
    edits.addresses = {{"shop", 4, name("shop.fo.example"), 60, {address("2001:db8::4")}}};
    ZoneChange change = *exampleZone()->draft(edits);
    change.sets[1].after = RecordSet{type::a, 1, {Rdata("abcd")}, {Rdata("sig"), Rdata()}};
    std::string octets;
    encodeChange(change, octets);
    EXPECT_EQ(*decodeChange(octets), change);
    for (size_t length = 0; length < octets.size(); ++length)
        EXPECT_FALSE(decodeChange(std::string_view(octets).substr(0, length))) << length;
    EXPECT_FALSE(decodeChange(octets + "x"));
}

}  // namespace
}  // namespace swb::dns::test
