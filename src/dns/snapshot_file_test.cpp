#include "dns/snapshot_file.h"

#include <filesystem>

#include "base/file.h"
#include "dns/dns_test_support.h"

namespace swb::dns::test {
namespace {

class DnsSnapshotFile : public testing::Test {
  protected:
    DnsSnapshotFile() {
        std::string pattern = (std::filesystem::temp_directory_path() / "swb-dns-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        path_ = directory_ + "/zone.json";
    }
    ~DnsSnapshotFile() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<SnapshotFile> open() {
        auto file = SnapshotFile::open(path_);
        EXPECT_TRUE(file) << (file ? "" : describe(file.error()));
        return file ? *std::move(file) : nullptr;
    }
    static ZonePointer zone(uint32_t serial, int64_t epoch, std::string_view shop) {
        ZoneDefinition definition = exampleDefinition();
        definition.serial = serial;
        definition.addresses[0].epoch = epoch;
        definition.addresses[0].addresses = {address(shop)};
        return build(definition);
    }

    std::string directory_;
    std::string path_;
};

TEST_F(DnsSnapshotFile, StartsEmptyAndKeepsWhatWasSaved) {
    EXPECT_EQ(open()->latest(), nullptr);
    const ZonePointer saved = zone(8, 4, "203.0.113.11");
    ASSERT_TRUE(open()->save(saved));
    const ZonePointer read = open()->latest();
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(read->definition(), saved->definition());
    EXPECT_EQ(lines(answered(query("shop.fo.example", type::a), Transport::udp, read).answers).at(0),
              "shop.fo.example. 300 A 203.0.113.11");
}

TEST_F(DnsSnapshotFile, OlderNeverReplacesNewer) {
    ASSERT_TRUE(open()->save(zone(8, 4, "203.0.113.11")));
    const auto file = open();
    const std::string before = *readFile(path_);
    EXPECT_EQ(file->save(zone(7, 4, "203.0.113.10")).error().code, ErrorCode::Conflict);
    EXPECT_EQ(file->save(zone(8, 4, "203.0.113.10")).error().code, ErrorCode::Conflict);
    EXPECT_EQ(file->save(zone(9, 3, "203.0.113.10")).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(*readFile(path_), before);
    EXPECT_EQ(file->latest()->serial(), 8u);
    EXPECT_TRUE(file->save(zone(9, 5, "203.0.113.10")));
    EXPECT_EQ(open()->latest()->serial(), 9u);
}

TEST_F(DnsSnapshotFile, ADamagedFileIsMovedAside) {
    ASSERT_TRUE(open()->save(zone(8, 4, "203.0.113.11")));
    const std::string whole = *readFile(path_);
    ASSERT_TRUE(writeFileAtomically(path_, whole.substr(0, whole.size() / 2)));
    const auto file = open();
    EXPECT_EQ(file->latest(), nullptr);
    EXPECT_TRUE(fileExists(path_ + ".damaged"));
    EXPECT_FALSE(fileExists(path_));
    EXPECT_TRUE(file->save(zone(3, 1, "203.0.113.10")));
}

TEST_F(DnsSnapshotFile, AFailedWriteChangesNothing) {
    const auto file = open();
    std::filesystem::remove_all(directory_);
    const auto result = file->save(zone(8, 4, "203.0.113.11"));
    EXPECT_FALSE(result);
    EXPECT_EQ(file->latest(), nullptr) << "what is not on disk may not be answered";
}

}  // namespace
}  // namespace swb::dns::test
