#include "dns/transfer/key_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace swb::dns::transfer {
namespace {

class KeyFilesTest : public testing::Test {
  protected:
    KeyFilesTest() {
        std::string pattern = testing::TempDir() + "keys-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~KeyFilesTest() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& file, const std::string& key, mode_t mode = 0600) const {
        ASSERT_TRUE(writeFileAtomically(directory_ + "/" + file, "hmac-sha256:" + key + ":c2VjcmV0\n", mode));
    }
    KeyFiles files(const std::vector<std::string>& names, const std::vector<std::string>& needed) const {
        std::vector<std::string> paths;
        for (const std::string& name : names) paths.push_back(directory_ + "/" + name);
        std::vector<Name> keys;
        for (const std::string& key : needed) keys.push_back(*Name::fromText(key));
        return KeyFiles(std::move(paths), std::move(keys));
    }
    static bool has(const KeyFiles& files, const std::string& key) {
        const Name name = *Name::fromText(key);
        return files.find(name) != nullptr;
    }

    std::string directory_;
};

TEST_F(KeyFilesTest, AFileThatIsMissingDoesNotHideTheOthers) {
    write("one", "one.example");
    KeyFiles keys = files({"one", "two"}, {});
    EXPECT_TRUE(keys.read());
    EXPECT_TRUE(has(keys, "one.example"));
    EXPECT_FALSE(keys.isComplete());
    EXPECT_FALSE(keys.read()) << "nothing new";
    write("two", "two.example");
    EXPECT_TRUE(keys.read());
    EXPECT_TRUE(has(keys, "one.example") && has(keys, "two.example"));
    EXPECT_TRUE(keys.isComplete());
    write("two", "three.example");
    EXPECT_FALSE(keys.read()) << "complete: others come with a restart";
    EXPECT_FALSE(has(keys, "three.example"));
}

TEST_F(KeyFilesTest, AFileThatOthersMayReadIsMissingToo) {
    write("one", "one.example", 0644);
    KeyFiles keys = files({"one"}, {});
    EXPECT_FALSE(keys.read());
    EXPECT_FALSE(has(keys, "one.example"));
    write("one", "one.example");
    EXPECT_TRUE(keys.read());
}

TEST_F(KeyFilesTest, WaitsForANeededKeyAndKeepsWhatItHas) {
    write("one", "one.example");
    KeyFiles keys = files({"one"}, {"late.example"});
    EXPECT_TRUE(keys.read());
    EXPECT_FALSE(keys.isComplete());
    ASSERT_TRUE(removeFile(directory_ + "/one"));
    EXPECT_FALSE(keys.read());
    EXPECT_TRUE(has(keys, "one.example"));
    write("one", "late.example");
    EXPECT_TRUE(keys.read());
    EXPECT_TRUE(keys.isComplete());
    EXPECT_TRUE(has(keys, "late.example"));
}

}  // namespace
}  // namespace swb::dns::transfer
