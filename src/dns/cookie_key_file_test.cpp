#include "dns/cookie_key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"

namespace swb::dns::test {
namespace {

class CookieKeyFile : public testing::Test {
  protected:
    CookieKeyFile() {
        std::string pattern = std::filesystem::temp_directory_path() / "swb-cookie-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~CookieKeyFile() override { std::filesystem::remove_all(directory_); }

    std::string path() const { return directory_ + "/cookie.key"; }
    Result<std::vector<CookieKey>> load(const std::string& text) {
        EXPECT_TRUE(writeFileAtomically(path(), text, 0600));
        return loadCookieKeys(path());
    }

    std::string directory_;
};

TEST_F(CookieKeyFile, IsMadeOnceAndForItsOwnerOnly) {
    const auto made = loadCookieKeys(path());
    ASSERT_TRUE(made) << describe(made.error());
    ASSERT_EQ(made->size(), 1u);
    EXPECT_EQ(*loadCookieKeys(path()), *made);
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(CookieKeyFile, TheKeyInUseAndTheOneBefore) {
    const std::string first(64, 'a'), second(64, '0');
    const auto keys = load(first + "\n" + second + "\n");
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 2u);
    EXPECT_EQ((*keys)[0][31], 0xaa);
    EXPECT_EQ((*keys)[1][0], 0);
    EXPECT_TRUE(load(first));
}

TEST_F(CookieKeyFile, AnythingElseIsAnError) {
    const std::string key(64, 'a');
    for (const std::string& text : {std::string(), key + "\n" + key + "\n" + key, std::string(63, 'a'),
                                    std::string(65, 'a'), std::string(64, 'g'), key + "\n\n", " " + key})
        EXPECT_EQ(load(text).error().code, ErrorCode::InvalidInput) << text;
}

}  // namespace
}  // namespace swb::dns::test
