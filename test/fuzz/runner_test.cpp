#include "runner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "mutation.h"

namespace swb::fuzz {
namespace {

std::vector<std::string> seen;

int collect(const uint8_t* data, size_t size) {
    seen.emplace_back(reinterpret_cast<const char*>(data), size);
    return 0;
}

int endOnBrace(const uint8_t* data, size_t size) {
    for (size_t i = 0; i < size; ++i)
        if (data[i] == '{') abort();
    return 0;
}

class Runner : public testing::Test {
  protected:
    void SetUp() override {
        seen.clear();
        std::string pattern = testing::TempDir() + "/swb-fuzz-XXXXXX";
        directory_ = mkdtemp(pattern.data());
        write("a", "first");
        write("b", "");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    void write(const std::string& name, const std::string& text) { std::ofstream(directory_ + "/" + name) << text; }

    std::string directory_;
};

TEST_F(Runner, TriesTheCorpusFirstAndThenVariantsOfIt) {
    const size_t tried = replay({.corpus = directory_, .inputs = 200}, collect);
    EXPECT_EQ(tried, 200u);
    ASSERT_EQ(seen.size(), 200u);
    EXPECT_EQ(seen[0], "first");
    EXPECT_EQ(seen[1], "");
    EXPECT_GT(std::set<std::string>(seen.begin(), seen.end()).size(), 100u);
}

TEST_F(Runner, IsTheSameEveryTime) {
    replay({.corpus = directory_, .inputs = 300}, collect);
    const auto before = std::exchange(seen, {});
    replay({.corpus = directory_, .inputs = 300}, collect);
    EXPECT_EQ(seen, before);
}

TEST_F(Runner, RepeatsOneVariantByItsNumber) {
    replay({.corpus = directory_, .inputs = 100}, collect);
    const std::string seventh = seen[7 * 2];
    seen.clear();
    Options options;
    ASSERT_TRUE(parseArguments({directory_, "a", "7"}, options));
    EXPECT_EQ(replay(options, collect), 1u);
    EXPECT_EQ(seen, std::vector<std::string>{seventh});
}

TEST_F(Runner, SaysWhichInputEndedTheTarget) {
    write("c", "{");
    EXPECT_DEATH(replay({.corpus = directory_, .inputs = 10}, endOnBrace), "ended by c, variant 0");
}

TEST_F(Runner, AnEmptyCorpusIsNoSuccess) {
    EXPECT_EQ(replay({.corpus = directory_ + "/absent"}, collect), 0u);
}

TEST(Mutation, KeepsTheSizeLimit) {
    const std::string large(variantBytesMax, 'x');
    for (uint64_t seed = 1; seed < 500; ++seed) EXPECT_LE(variantOf(large, {large}, seed).size(), variantBytesMax);
}

TEST(Arguments, AreACorpusOrACorpusWithAFileAndANumber) {
    Options options;
    EXPECT_TRUE(parseArguments({"corpus"}, options));
    EXPECT_FALSE(parseArguments({}, options));
    EXPECT_FALSE(parseArguments({"corpus", "file"}, options));
    EXPECT_FALSE(parseArguments({"corpus", "file", "-1"}, options));
}

}  // namespace
}  // namespace swb::fuzz
