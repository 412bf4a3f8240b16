#include "dns/transfer/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"

namespace swb::dns::transfer {
namespace {

TEST(KeyFile, ReadsBothForms) {
    const auto keys = keysFromText(
        "# comment\n"
        "key \"one.example\" {\n\talgorithm hmac-sha512;\n\tsecret \"AQIDBA==\";\n};\n"
        "hmac-sha256:two.example:c2VjcmV0  // comment\n"
        "key three { secret c2VjcmV0; algorithm hmac-sha384; };");
    ASSERT_TRUE(keys) << describe(keys.error());
    ASSERT_EQ(keys->size(), 3u);
    EXPECT_EQ((*keys)[0].name.toText(), "one.example.");
    EXPECT_EQ((*keys)[0].algorithm, TsigAlgorithm::hmacSha512);
    EXPECT_EQ((*keys)[0].secret.reveal(), std::string("\1\2\3\4"));
    EXPECT_EQ((*keys)[1].secret.reveal(), "secret");
    EXPECT_EQ((*keys)[2].algorithm, TsigAlgorithm::hmacSha384);
}

TEST(KeyFile, RefusesWhatIsNoKeyAndNeverQuotesIt) {
    for (const char* text : {"", "c2VjcmV0", "hmac-md5:a:c2VjcmV0", "hmac-sha256:a:c2VjcmV",
                             "hmac-sha256:a:", "hmac-sha256:a:c2Vj====", "key a { algorithm hmac-sha256; };",
                             "key a { secret \"c2VjcmV0\"; };", "key a { algorithm hmac-sha256; secret \"c2VjcmV0",
                             "key a { algorithm hmac-sha256; secret \"c2VjcmV0\"; }", "key a { file \"c2VjcmV0\"; };",
                             "key", "key a {", "hmac-sha256:a..b:c2VjcmV0", "hmac-sha256:a:c2V*cmV0"}) {
        const auto keys = keysFromText(text);
        ASSERT_FALSE(keys) << text;
        EXPECT_EQ(describe(keys.error()).find("c2Vj"), std::string::npos) << text;
    }
}

TEST(KeyFile, MustBeItsOwnersAlone) {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("swb-keys-" + std::to_string(::getpid()))).string();
    ASSERT_TRUE(writeFileAtomically(path, "hmac-sha256:two.example:c2VjcmV0\n", 0600));
    EXPECT_TRUE(readKeyFile(path));
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    const auto refused = readKeyFile(path);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("may be read by others"), std::string::npos);
    ASSERT_TRUE(removeFile(path));
    EXPECT_FALSE(readKeyFile(path));
}

}  // namespace
}  // namespace swb::dns::transfer
