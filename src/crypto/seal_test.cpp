#include "crypto/seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "base/ids.h"
#include "crypto/digest.h"
#include "crypto/token.h"

namespace swb::crypto {
namespace {

class SealerTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(makeDirectories(directory_)); }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string directory_ = testing::TempDir() + newId("seal");
    std::string path_ = directory_ + "/key";
};

TEST_F(SealerTest, TheKeyFileIsMadeOnceAndReadByItsOwnerOnly) {
    const Sealer first = Sealer::load(path_).value();
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(status.st_size, 32);
    const std::string sealed = first.seal(Secret("hunter2"), "database/a");
    const Sealer second = Sealer::load(path_).value();
    EXPECT_EQ(second.unseal(sealed, "database/a")->reveal(), "hunter2");
}

TEST_F(SealerTest, SealedTextShowsNothingAndIsNeverTheSame) {
    const Sealer sealer = Sealer::load(path_).value();
    const std::string sealed = sealer.seal(Secret("hunter2"), "x");
    EXPECT_THAT(sealed, testing::MatchesRegex("s1:[A-Za-z0-9_-]+"));
    EXPECT_NE(sealed, sealer.seal(Secret("hunter2"), "x"));
    EXPECT_TRUE(sealer.unseal(sealer.seal(Secret(""), "x"), "x")->empty());
    const std::string binary("\0\xff\n", 3);
    EXPECT_EQ(sealer.unseal(sealer.seal(Secret(binary), ""), "")->reveal(), binary);
}

TEST_F(SealerTest, ASealedValueOpensOnlyWhereItBelongs) {
    const Sealer sealer = Sealer::load(path_).value();
    const std::string sealed = sealer.seal(Secret("hunter2"), "database/a");
    EXPECT_EQ(sealer.unseal(sealed, "database/b").error().code, ErrorCode::StorageFailed);
    EXPECT_FALSE(Sealer::load(directory_ + "/other")->unseal(sealed, "database/a"));
}

TEST_F(SealerTest, AlteredOrCutTextDoesNotOpen) {
    const Sealer sealer = Sealer::load(path_).value();
    const std::string sealed = sealer.seal(Secret("hunter2"), "x");
    for (size_t length = 0; length < sealed.size(); ++length)
        EXPECT_FALSE(sealer.unseal(sealed.substr(0, length), "x"));
    for (size_t at = 0; at < sealed.size(); ++at) {
        std::string altered = sealed;
        altered[at] = altered[at] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(sealer.unseal(altered, "x")) << at;
    }
    for (const char* garbage : {"", "s1:", "s2:AAAA", "s1:====", "s1:\xff\xfe", "hunter2"})
        EXPECT_FALSE(sealer.unseal(garbage, "x"));
    EXPECT_FALSE(sealer.unseal("s1:" + std::string(2 << 20, 'A'), "x"));
}

TEST_F(SealerTest, AnUnsafeOrWrongKeyFileIsRefused) {
    ASSERT_TRUE(Sealer::load(path_));
    ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
    EXPECT_THAT(Sealer::load(path_).error().message, testing::HasSubstr("others may read"));
    ASSERT_TRUE(writeFileAtomically(path_, "short", 0600));
    EXPECT_THAT(Sealer::load(path_).error().message, testing::HasSubstr("5 bytes instead of 32"));
    EXPECT_EQ(readFile(path_).value(), "short") << "nothing was replaced";
}

TEST(Token, HashesAreStableDistinctAndComparable) {
    const Secret token("9f2k");
    const std::string hash = hashToken(token);
    EXPECT_THAT(hash, testing::MatchesRegex("[0-9a-f]{64}"));
    EXPECT_EQ(hash, "6d56022ccc4cf93b5865600d1dd582a063f58b9159244a695883db2479fd3035")
        << "stored hashes would no longer match";
    EXPECT_TRUE(tokenMatches(token, hash));
    EXPECT_FALSE(tokenMatches(Secret("9f2l"), hash));
    EXPECT_FALSE(tokenMatches(token, ""));
    EXPECT_FALSE(tokenMatches(token, hash.substr(1)));
    EXPECT_FALSE(tokenMatches(Secret(hash), hash)) << "the hash is no token";
    EXPECT_TRUE(equalInConstantTime("", ""));
}

TEST(Digest, Sha256OfAKnownText) {
    EXPECT_EQ(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(toHex(std::string_view("\x00\x7f\xff", 3)), "007fff");
}

}  // namespace
}  // namespace swb::crypto
